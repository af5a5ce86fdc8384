"""leaf_client ROOT.pem PORT NAME: exit 0 when Python at its strictest (as 3.13
does by default) trusts the server, 3 when the certificate is refused."""
import socket
import ssl
import sys

root, port, name = sys.argv[1:]
context = ssl.create_default_context(cafile=root)
context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
try:
    with socket.create_connection(("127.0.0.1", int(port))) as plain:
        with context.wrap_socket(plain, server_hostname=name) as tls:
            tls.sendall(b"GET / HTTP/1.0\r\n\r\n")
            if tls.recv(1) != b"H":
                sys.exit("no answer")
except ssl.SSLCertVerificationError as error:
    print(error, file=sys.stderr)
    sys.exit(3)
