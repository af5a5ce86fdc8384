// Talks to a WebSocket that echoes; prints what came back as JSON.
//
//	node ws_client.js URL CA SIZE...
//
// A text of each SIZE goes out when the one before has come back, the last one
// as bytes.
'use strict';

const fs = require('fs');
const WebSocket = require('ws');

const [url, ca, ...sizes] = process.argv.slice(2);
const socket = new WebSocket(url, ['chat', 'other'],
	{ca: fs.readFileSync(ca), perMessageDeflate: true});
const out = {echoed: [], pong: null, closed: null, refused: null};
const say = () => {
	const i = out.echoed.length;
	if (i === sizes.length)
		return socket.close(4001, 'done');
	const text = 'x'.repeat(Number(sizes[i]));
	socket.send(i === sizes.length - 1 ? Buffer.from(text) : text);
};

socket.on('open', () => {
	out.protocol = socket.protocol;
	socket.ping('are you there');
	say();
});
socket.on('pong', data => out.pong = data.toString());
socket.on('message', (data, binary) => {
	out.echoed.push([data.length, binary]);
	say();
});
socket.on('unexpected-response', (request, response) => {
	out.refused = response.statusCode;
	console.log(JSON.stringify(out));
	process.exit(0);
});
socket.on('error', error => out.error = error.message);
socket.on('close', (code, reason) => {
	out.closed = [code, reason.toString()];
	console.log(JSON.stringify(out));
});
