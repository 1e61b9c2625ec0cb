package dev.replicator.runtime.net;

import io.grpc.Metadata;

/** Limits and names that both ends must agree on. */
final class Transport {
    /** Records and chunks are cut into slices far below this; the rest are small messages. */
    static final int MESSAGE_BYTES_MAX = 16 * 1024 * 1024;

    /** Bytes of a stream that may be under way unread: several messages, so that neither side waits for the other's threads. */
    static final int WINDOW_BYTES = 4 * 1024 * 1024;

    /** A stream takes further messages while fewer bytes than this wait to be written. */
    static final int READY_BYTES = 1024 * 1024;

    /** A dead peer is noticed after this and the time-out, also through a firewall that drops silently. */
    static final int KEEPALIVE_SECONDS = 15;

    static final int KEEPALIVE_TIMEOUT_SECONDS = 10;

    /** The fastest keepalive that a server bears; below our own so that clocks may differ. */
    static final int KEEPALIVE_PERMITTED_SECONDS = 5;

    static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

    static final String BEARER = "Bearer ";

    private Transport() {}
}
