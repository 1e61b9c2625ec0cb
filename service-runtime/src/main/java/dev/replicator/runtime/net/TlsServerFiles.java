package dev.replicator.runtime.net;

import dev.replicator.runtime.config.ConfigNode;
import java.nio.file.Path;

/**
 * TLS of a server, PEM files.
 *
 * @param certificate chain of the server
 * @param key its private key (PKCS#8)
 * @param clientCa who signs the clients' certificates; null does not ask clients for one
 */
public record TlsServerFiles(Path certificate, Path key, Path clientCa) {
    /** Reads {@code tls: {certificate: ..., key: ..., client-ca: ...}}. */
    public static TlsServerFiles read(ConfigNode tls) {
        return new TlsServerFiles(
                tls.path("certificate"),
                tls.path("key"),
                tls.optionalPath("client-ca").orElse(null));
    }
}
