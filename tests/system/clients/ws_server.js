// A WebSocket server that echoes, on TLS.
//
//	node ws_server.js ADDRESS PORT CERTIFICATE
'use strict';

const fs = require('fs');
const https = require('https');
const {WebSocketServer} = require('ws');

const [address, port, certificate] = process.argv.slice(2);
const pem = fs.readFileSync(certificate);
const server = https.createServer({cert: pem, key: pem});
const sockets = new WebSocketServer({server, perMessageDeflate: true,
	handleProtocols: offered => offered.has('chat') ? 'chat' : false});

sockets.on('connection', socket => {
	socket.on('message', (data, isBinary) => socket.send(data, {binary: isBinary}));
	socket.on('close', code => console.log(JSON.stringify({closed: code})));
});
server.listen(Number(port), address, () => console.log('ready'));
