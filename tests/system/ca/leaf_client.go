// leaf_client ROOT.pem PORT NAME: exit 0 when Go trusts the server, 3 when
// the certificate is refused, 1 for anything else.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

func refused(err error) bool {
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &host) || errors.As(err, &authority) ||
		errors.As(err, &invalid)
}

func run(root, port, name string) error {
	pem, err := os.ReadFile(root)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return errors.New("no root in the file")
	}
	conn, err := tls.Dial("tcp", "127.0.0.1:"+port,
		&tls.Config{RootCAs: pool, ServerName: name})
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET / HTTP/1.0\r\n\r\n")); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 64))
	return err
}

func main() {
	err := run(os.Args[1], os.Args[2], os.Args[3])
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, err)
	if refused(err) {
		os.Exit(3)
	}
	os.Exit(1)
}
