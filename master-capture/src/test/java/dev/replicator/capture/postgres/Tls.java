package dev.replicator.capture.postgres;

import dev.replicator.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyStore;
import java.util.Base64;

/** Gives a server a key and a certificate that it has signed itself. */
final class Tls {
    private static final String PASSWORD = "changeit";

    private Tls() {}

    /** From now on the server takes connections by TLS, and others. */
    static void enable(EmbeddedPostgres server, String database, Path directory) throws Exception {
        Path store = directory.resolve("server.p12");
        generate(store);
        KeyStore keys = KeyStore.getInstance(store.toFile(), PASSWORD.toCharArray());
        Path certificate = pem(
                directory.resolve("server.crt"),
                "CERTIFICATE",
                keys.getCertificate("server").getEncoded());
        Path key = pem(
                directory.resolve("server.key"),
                "PRIVATE KEY",
                keys.getKey("server", PASSWORD.toCharArray()).getEncoded());
        server.execute(database, "ALTER SYSTEM SET ssl_cert_file = '" + certificate + "'");
        server.execute(database, "ALTER SYSTEM SET ssl_key_file = '" + key + "'");
        server.execute(database, "ALTER SYSTEM SET ssl = on");
        server.execute(database, "SELECT pg_reload_conf()");
    }

    private static void generate(Path store) throws IOException, InterruptedException {
        Path keytool = Path.of(System.getProperty("java.home"), "bin", "keytool");
        Process process = new ProcessBuilder(
                        keytool.toString(),
                        "-genkeypair",
                        "-alias",
                        "server",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=localhost",
                        "-validity",
                        "2",
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        PASSWORD,
                        "-keystore",
                        store.toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException("keytool made no key: " + said);
        }
    }

    private static Path pem(Path file, String kind, byte[] encoded) throws IOException {
        String text = "-----BEGIN " + kind + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(encoded) + "\n-----END " + kind
                + "-----\n";
        Files.write(file, text.getBytes(StandardCharsets.US_ASCII));
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        return file;
    }
}
