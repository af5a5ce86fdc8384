// leaf_client ROOT.pem PORT NAME: exit 0 when Node trusts the server, 3 when
// the certificate is refused, 1 for anything else.
'use strict';
const fs = require('fs');
const net = require('net');
const tls = require('tls');

const [root, port, name] = process.argv.slice(2);
const refused = /^(ERR_TLS_CERT|UNABLE_TO|SELF_SIGNED|CERT_|INVALID_CA)/;

const socket = tls.connect({
	host: '127.0.0.1',
	port: Number(port),
	ca: fs.readFileSync(root),
	// An address is no SNI; Node takes it as the name to check instead.
	...(net.isIP(name) ? {} : {servername: name}),
	checkServerIdentity: (_, cert) => tls.checkServerIdentity(name, cert),
}, () => socket.write('GET / HTTP/1.0\r\n\r\n'));
socket.once('data', () => process.exit(0));
socket.once('error', (error) => {
	console.error(error.code, error.message);
	process.exit(refused.test(error.code) ? 3 : 1);
});
