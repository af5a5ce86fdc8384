// Every kind of call over one channel, as grpc_client.py has it.
//
//	node grpc_client.js HOST:PORT CA
'use strict';

const crypto = require('crypto');
const fs = require('fs');
const grpc = require('@grpc/grpc-js');

const [target, ca] = process.argv.slice(2);
const asIs = x => x;
const name = code => Object.keys(grpc.status).find(k => grpc.status[k] === code);
const client = new grpc.Client(target, grpc.credentials.createSsl(fs.readFileSync(ca)),
	{'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1});
const within = seconds => ({deadline: Date.now() + 1000 * seconds});

function unary(method, request, options = within(60), fields = {})
{
	const metadata = new grpc.Metadata();
	for (const [k, v] of Object.entries(fields))
		metadata.set(k, v);
	return new Promise(resolve => {
		const got = {};
		const call = client.makeUnaryRequest('/t.Test/' + method, asIs, asIs,
			request, metadata, options, (error, value) => {
				Object.assign(got, {error, value});
			});
		got.call = call;
		call.on('metadata', m => got.initial = m);
		call.on('status', s => resolve(Object.assign(got, {status: s})));
	});
}

function collect(messages)
{
	return new Promise((resolve, reject) => {
		const call = client.makeClientStreamRequest('/t.Test/Collect', asIs, asIs,
			new grpc.Metadata(), within(60),
			(error, value) => error ? reject(error) : resolve(value.toString()));
		messages.forEach(m => call.write(Buffer.from(m)));
		call.end();
	});
}

function spread(count)
{
	return new Promise((resolve, reject) => {
		const got = [];
		client.makeServerStreamRequest('/t.Test/Spread', asIs, asIs,
			Buffer.from(String(count)), new grpc.Metadata(), within(60))
			.on('data', m => got.push(m.toString()))
			.on('error', reject).on('end', () => resolve(got));
	});
}

// Says the next thing only when the last was answered.
function chat(count)
{
	return new Promise((resolve, reject) => {
		const got = [];
		const call = client.makeBidiStreamRequest('/t.Test/Chat', asIs, asIs,
			new grpc.Metadata(), within(60));
		const next = () => got.length < count ?
			call.write(Buffer.from(String(got.length))) : call.end();
		call.on('data', m => { got.push(m.toString()); next(); })
			.on('error', reject).on('end', () => resolve(got));
		next();
	});
}

function cancel()
{
	return new Promise(resolve => {
		const call = client.makeUnaryRequest('/t.Test/Hang', asIs, asIs,
			Buffer.from('cancel'), new grpc.Metadata(), within(60),
			error => resolve(name(error.code)));
		call.cancel();
	});
}

async function main()
{
	const first = await unary('Unary', Buffer.from('abc'), within(60),
		{'x-mine': 'm', authorization: 'none'});
	const failed = await unary('Fail', Buffer.alloc(0));
	const big = Buffer.alloc(4194304);
	for (let i = 0; i < big.length; i++)
		big[i] = i & 255;
	const out = {
		unary: first.value.toString(),
		initial: first.initial.get('x-initial')[0],
		trailing: first.status.metadata.get('x-trailing')[0],
		binary: first.status.metadata.get('x-bytes-bin')[0].toString('hex'),
		collect: await collect(['a', 'b', 'c']),
		spread: await spread(20),
		chat: await chat(20),
		fail: [name(failed.error.code), failed.error.details],
		unknown: name((await unary('No', Buffer.alloc(0))).error.code),
		deadline: name((await unary('Hang', Buffer.from('d'), within(3))).error.code),
		big: crypto.createHash('sha256')
			.update((await unary('Unary', big)).value).digest('hex'),
		cancel: await cancel(),
	};
	// Timers of calls that are over would keep it alive.
	process.stdout.write(JSON.stringify(out) + '\n', () => process.exit(0));
}

main();
