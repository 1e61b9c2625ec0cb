package dev.replicator.runtime.net;

/**
 * A host and a port.
 *
 * @param host name or address; an IPv6 address without its brackets
 * @param port 0 to 65535; 0 asks for a free one where something listens
 */
public record Endpoint(String host, int port) {
    /** Checks both parts. */
    public Endpoint {
        if (host.isBlank() || port < 0 || port > 65_535) {
            throw new IllegalArgumentException(
                    "Expected a host and a port from 0 to 65535, got \"" + host + "\" and " + port);
        }
    }

    /** Reads {@code host:port} or {@code [IPv6]:port}. */
    public static Endpoint parse(String text) {
        int colon = text.lastIndexOf(':');
        String host = colon < 0 ? "" : text.substring(0, colon);
        boolean bracketed = host.startsWith("[") && host.endsWith("]");
        if (bracketed) {
            host = host.substring(1, host.length() - 1);
        }
        if (host.isBlank() || (!bracketed && host.contains(":"))) {
            throw new IllegalArgumentException(
                    "Expected HOST:PORT, such as fw:7700 or [::1]:7700, got \"" + text + "\"");
        }
        try {
            return new Endpoint(host, Integer.parseInt(text.substring(colon + 1)));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("Expected HOST:PORT with a number as port, got \"" + text + "\"", e);
        }
    }

    @Override
    public String toString() {
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
    }
}
