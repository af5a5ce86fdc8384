// LeafClient ROOT PORT NAME: exit 0 when Java trusts the server, 3 when the
// certificate is refused, 1 for anything else.  ROOT is a PEM file, or a
// PKCS12 trust store (password "changeit") when its name ends in .p12.
import java.io.FileInputStream;
import java.io.InputStream;
import java.net.Socket;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

public class LeafClient {
	static KeyStore trust(String path) throws Exception {
		KeyStore store = KeyStore.getInstance("PKCS12");
		try (InputStream in = new FileInputStream(path)) {
			if (path.endsWith(".p12")) {
				store.load(in, "changeit".toCharArray());
				return store;
			}
			store.load(null, null);
			store.setCertificateEntry("root",
				CertificateFactory.getInstance("X.509")
					.generateCertificate(in));
			return store;
		}
	}

	static void run(String root, int port, String name) throws Exception {
		TrustManagerFactory factory = TrustManagerFactory.getInstance(
			TrustManagerFactory.getDefaultAlgorithm());
		factory.init(trust(root));
		SSLContext context = SSLContext.getInstance("TLS");
		context.init(null, factory.getTrustManagers(), null);
		try (Socket plain = new Socket("127.0.0.1", port);
			SSLSocket tls = (SSLSocket) context.getSocketFactory()
				.createSocket(plain, name, port, true)) {
			SSLParameters parameters = tls.getSSLParameters();
			parameters.setEndpointIdentificationAlgorithm("HTTPS");
			tls.setSSLParameters(parameters);
			tls.startHandshake();
			tls.getOutputStream().write(
				"GET / HTTP/1.0\r\n\r\n".getBytes());
			if (tls.getInputStream().read() != 'H')
				throw new Exception("no answer");
		}
	}

	static boolean refused(Throwable e) {
		for (; e != null; e = e.getCause()) {
			if (e instanceof CertificateException)
				return true;
		}
		return false;
	}

	public static void main(String[] args) {
		try {
			run(args[0], Integer.parseInt(args[1]), args[2]);
		} catch (Exception e) {
			System.err.println(e);
			System.exit(refused(e) ? 3 : 1);
		}
	}
}
