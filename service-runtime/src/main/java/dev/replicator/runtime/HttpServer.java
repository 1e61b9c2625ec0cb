package dev.replicator.runtime;

import com.sun.net.httpserver.HttpExchange;
import dev.replicator.runtime.net.Endpoint;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;

/**
 * {@code /metrics} for Prometheus, {@code /health/live} and {@code /health/ready} for probes: 200 or 503 with one line of text.
 * Listens from its construction until it is closed; two threads of its own.
 */
public final class HttpServer implements AutoCloseable {
    private final com.sun.net.httpserver.HttpServer server;
    private final ExecutorService threads;

    /**
     * @param address {@code host:port}; port 0 takes a free one
     * @throws ReplicatorException if the address cannot be taken
     */
    public HttpServer(String address, Metrics metrics, Supplier<Health> health) {
        this(Endpoint.parse(address), metrics, health);
    }

    /** As above. */
    public HttpServer(Endpoint endpoint, Metrics metrics, Supplier<Health> health) {
        try {
            server = com.sun.net.httpserver.HttpServer.create(
                    new InetSocketAddress(endpoint.host(), endpoint.port()), 0);
        } catch (IOException e) {
            String reason = e instanceof BindException ? "the address is in use or not of this machine" : e.toString();
            throw new ReplicatorException(
                    ErrorCode.CONFIGURATION,
                    "Cannot listen for HTTP on " + endpoint + ": " + reason,
                    "Stop what holds the port, or set another address under `http`.",
                    e);
        }
        server.createContext("/metrics", exchange -> {
            exchange.getResponseHeaders().set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
            answer(exchange, "/metrics", 200, metrics.scrape());
        });
        server.createContext("/health/live", exchange -> {
            Health now = health.get();
            answer(exchange, "/health/live", now.live() ? 200 : 503, now.text() + "\n");
        });
        server.createContext("/health/ready", exchange -> {
            Health now = health.get();
            answer(exchange, "/health/ready", now.live() && now.ready() ? 200 : 503, now.text() + "\n");
        });
        threads = Executors.newFixedThreadPool(2, task -> {
            Thread thread = new Thread(task, "http");
            thread.setDaemon(true);
            return thread;
        });
        server.setExecutor(threads);
        server.start();
    }

    /** Returns the port it listens on. */
    public int port() {
        return server.getAddress().getPort();
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }

    private static void answer(HttpExchange exchange, String path, int status, String text) throws IOException {
        try (exchange) {
            // A context also serves everything below its path.
            boolean known = exchange.getRequestURI().getPath().equals(path);
            byte[] body = (known ? text : "not found\n").getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(known ? status : 404, body.length);
            exchange.getResponseBody().write(body);
        }
    }
}
