package dev.replicator.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

final class HttpServerTest {
    private final AtomicReference<Health> health = new AtomicReference<>(Health.OK);

    @Test
    void shouldServeMetricsAndHealth() throws Exception {
        Metrics metrics = new Metrics();
        metrics.gauge("answer", "All.", () -> 42);
        try (HttpServer server = new HttpServer("127.0.0.1:0", metrics, health::get)) {
            assertTrue(get(server, "/metrics").body().contains("answer 42\n"));
            assertEquals(200, get(server, "/health/live").statusCode());
            assertEquals(200, get(server, "/health/ready").statusCode());
            assertEquals(404, get(server, "/metrics/more").statusCode());
            assertEquals(404, get(server, "/").statusCode());

            health.set(new Health(true, false, "no database"));

            assertEquals(200, get(server, "/health/live").statusCode());
            assertEquals(503, get(server, "/health/ready").statusCode());
            assertEquals("no database\n", get(server, "/health/ready").body());
        }
    }

    @Test
    void shouldNameAnAddressThatIsTaken() {
        try (HttpServer server = new HttpServer("127.0.0.1:0", new Metrics(), health::get)) {
            String address = "127.0.0.1:" + server.port();

            ReplicatorException thrown = assertThrows(
                    ReplicatorException.class, () -> new HttpServer(address, new Metrics(), health::get).close());

            assertTrue(thrown.getMessage().contains(address), thrown.getMessage());
            assertEquals(2, thrown.code().exitCode());
        }
    }

    private static HttpResponse<String> get(HttpServer server, String path) throws IOException, InterruptedException {
        return HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
    }
}
