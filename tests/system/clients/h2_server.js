// Node's own HTTP/2 as an origin; HTTP/1.1 too for those who ask for it.
//
//	node h2_server.js ADDRESS PORT CERTIFICATE
//
// Answers with what it was asked as JSON behind a 103, and a trailer.
'use strict';

const fs = require('fs');
const http2 = require('http2');

const [address, port, certificate] = process.argv.slice(2);
const pem = fs.readFileSync(certificate);
const server = http2.createSecureServer({cert: pem, key: pem, allowHTTP1: true});

server.on('request', (request, response) => {
	let size = 0;
	request.on('data', piece => size += piece.length);
	request.on('end', () => {
		if (request.httpVersionMajor === 2) {
			response.writeEarlyHints({link: '</style.css>; rel=preload'});
			response.addTrailers({'x-size': String(size)});
		}
		response.setHeader('content-type', 'application/json');
		response.end(JSON.stringify({version: request.httpVersion,
			method: request.method, path: request.url, size,
			fields: request.headers}));
	});
});
server.listen(Number(port), address, () => console.log('ready'));
