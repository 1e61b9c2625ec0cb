package dev.replicator.runtime.net;

import dev.replicator.runtime.config.ConfigNode;
import java.nio.file.Path;

/**
 * TLS of a client, PEM files.
 *
 * @param ca whom to trust; null trusts what the Java runtime trusts
 * @param certificate the client's own certificate, null without mutual TLS
 * @param key its private key (PKCS#8), null without mutual TLS
 */
public record TlsFiles(Path ca, Path certificate, Path key) {
    /** Reads {@code tls: {ca: ..., certificate: ..., key: ...}}. */
    public static TlsFiles read(ConfigNode tls) {
        TlsFiles files = new TlsFiles(
                tls.optionalPath("ca").orElse(null),
                tls.optionalPath("certificate").orElse(null),
                tls.optionalPath("key").orElse(null));
        if ((files.certificate == null) != (files.key == null)) {
            tls.problem(
                    files.key == null ? "key" : "certificate",
                    "certificate and key belong together: give both or none");
        }
        return files;
    }
}
