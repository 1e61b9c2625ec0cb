package dev.replicator.it.rules;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** A certificate authority of its own for a test, by the JDK's keytool: certificates and keys as PEM files. */
final class TestAuthority {
    private static final String PASSWORD = "changeit";

    private final Path directory;
    private final String name;
    private final Path store;

    /** A key and the certificate for it. */
    record Identity(Path certificate, Path key) {}

    TestAuthority(Path directory, String name) throws IOException, InterruptedException, GeneralSecurityException {
        this.directory = directory;
        this.name = name;
        this.store = directory.resolve(name + ".p12");
        generate(name, "-ext", "bc:c", "-validity", "2");
        write(certificate(), "CERTIFICATE", keys().getCertificate(name).getEncoded());
    }

    /** The authority's own certificate. */
    Path certificate() {
        return directory.resolve(name + ".crt");
    }

    /** A certificate that is valid now. */
    Identity issue(String holder) throws IOException, InterruptedException, GeneralSecurityException {
        return issue(holder, "-1d");
    }

    /** A certificate whose time is over. */
    Identity issueExpired(String holder) throws IOException, InterruptedException, GeneralSecurityException {
        return issue(holder, "-10d");
    }

    private Identity issue(String holder, String start)
            throws IOException, InterruptedException, GeneralSecurityException {
        generate(
                holder,
                "-signer",
                name,
                "-startdate",
                start,
                "-validity",
                "3",
                "-ext",
                "san=dns:localhost,ip:127.0.0.1");
        Identity identity = new Identity(directory.resolve(holder + ".crt"), directory.resolve(holder + ".key"));
        KeyStore keys = keys();
        write(identity.certificate, "CERTIFICATE", keys.getCertificate(holder).getEncoded());
        write(
                identity.key,
                "PRIVATE KEY",
                keys.getKey(holder, PASSWORD.toCharArray()).getEncoded());
        return identity;
    }

    private void generate(String alias, String... options) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-keystore",
                store.toString(),
                "-storetype",
                "PKCS12",
                "-storepass",
                PASSWORD,
                "-alias",
                alias,
                "-keyalg",
                "EC",
                "-dname",
                "CN=" + alias));
        command.addAll(List.of(options));
        Process keytool = new ProcessBuilder(command).inheritIO().start();
        if (keytool.waitFor() != 0) {
            throw new IOException("keytool failed with " + keytool.exitValue());
        }
    }

    private KeyStore keys() throws IOException, GeneralSecurityException {
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, PASSWORD.toCharArray());
        }
        return keys;
    }

    private static void write(Path file, String kind, byte[] content) throws IOException {
        String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
        Files.writeString(file, "-----BEGIN " + kind + "-----\n" + body + "\n-----END " + kind + "-----\n");
    }
}
