// Requests side by side over one session of Node's HTTP/2; prints JSON.
//
//	node h2_client.js ORIGIN CA COUNT
'use strict';

const fs = require('fs');
const http2 = require('http2');

const [origin, ca, count] = process.argv.slice(2);
const session = http2.connect(origin, {ca: fs.readFileSync(ca)});

function ask(i)
{
	return new Promise((resolve, reject) => {
		const body = 'y'.repeat(i * 1000);
		const got = {body: '', hints: 0};
		const request = session.request({':method': i ? 'POST' : 'GET', ':path': '/' + i});
		request.on('headers', () => got.hints++);
		request.on('response', fields => got.status = fields[':status']);
		request.on('trailers', fields => got.trailer = fields['x-size']);
		request.on('data', piece => got.body += piece);
		request.on('end', () => resolve(got));
		request.on('error', reject);
		request.end(i ? body : undefined);
	});
}

Promise.all([...Array(Number(count)).keys()].map(ask)).then(all => {
	console.log(JSON.stringify(all.map(a => ({...a, body: JSON.parse(a.body)}))));
	session.close();
}).catch(error => {
	console.error(error);
	process.exit(1);
});
