package dev.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.TableName;
import dev.replicator.runtime.config.ConfigException;
import dev.replicator.runtime.config.ConfigFile;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CaptureConfigTest {
    private static final String DOCUMENTED =
            """
            cluster: shop
            source: {engine: postgres, url: "jdbc:postgresql://db1:5432/shop", user: replicator, password: "${env:PW}"}
            tables: ["public.*"]
            exclude: ["public.audit_*"]
            confirm: forwarder
            queue: {directory: /var/lib/replicator/capture, max-size: 30GiB}
            forwarder: {address: "fw:7700", token: "secret"}
            transport: grpc
            """;

    @Test
    void shouldReadTheDocumentedFile() {
        CaptureConfig config = read(DOCUMENTED);
        assertEquals("replicator_shop", config.source().slot());
        assertEquals("replicator_shop", config.source().publication());
        assertEquals("pw", config.source().password().value());
        assertEquals(CaptureConfig.Confirm.FORWARDER, config.confirm());
        assertEquals(30L << 30, config.spoolMaxBytes());
        assertEquals(7700, config.forwarder().orElseThrow().address().port());
        assertEquals(
                Path.of("/var/lib/replicator/capture/dumps"), config.dumps().directory());
        assertTrue(config.tables().contains(TableName.parse("public.orders")));
        assertTrue(!config.tables().contains(TableName.parse("public.audit_log")));
        assertTrue(config.allowFullIdentity());
    }

    @Test
    void shouldKeepToWhatTheServerTakesForDecoding() {
        String file =
                "cluster: shop\ntables: [public.t]\nqueue: {directory: /q}\nsource: {url: \"jdbc:postgresql://x\", user: a";
        assertEquals(256L << 20, read(file + "}\n").source().decodingBytes());
        assertEquals(
                1L << 30, read(file + ", decoding-memory: 1GiB}\n").source().decodingBytes());
        for (String size : new String[] {"63KiB", "3TiB", "0"}) {
            ConfigException refused =
                    assertThrows(ConfigException.class, () -> read(file + ", decoding-memory: " + size + "}\n"), size);
            assertTrue(refused.problems().get(0).contains("source.decoding-memory"), refused.problems()::toString);
        }
    }

    @Test
    void shouldReportEveryProblemAtOnce() {
        ConfigException refused = assertThrows(
                ConfigException.class,
                () -> read(
                        "cluster: Shop!\nsource: {url: \"jdbc:mysql://x\", user: a}\ntables: [orders]\nconfirm: forwarder\n"
                                + "queue: {directory: /q, max-siz: 1GiB}\n"));
        String all = String.join("\n", refused.problems());
        for (String path : new String[] {"cluster", "source.url", "tables", "confirm", "queue.max-siz"}) {
            assertTrue(all.contains(path), path + " in " + all);
        }
    }

    @Test
    void r17ShouldRefuseASegmentSizeThatLeavesTheSpoolNoRoom() {
        String file = "cluster: shop\nsource: {url: \"jdbc:postgresql://x\", user: a}\ntables: [public.t]\n";
        for (String queue : new String[] {
            "max-size: 20MiB, segment-size: 20MiB",
            "max-size: 20MiB, segment-size: 11MiB",
            "segment-size: 1KiB",
            "segment-size: 2GiB",
            "segment-size: 0",
            "max-size: 1KiB"
        }) {
            ConfigException refused = assertThrows(
                    ConfigException.class, () -> read(file + "queue: {directory: /q, " + queue + "}\n"), queue);
            assertTrue(String.join("\n", refused.problems()).contains("queue."), refused.problems()::toString);
        }
        // Without a word about it, a small budget gets small segments.
        CaptureConfig small = read(file + "queue: {directory: /q, max-size: 8MiB}\n");
        assertEquals(1 << 20, small.queue().segmentBytes());
        assertEquals(64 << 20, read(file + "queue: {directory: /q}\n").queue().segmentBytes());
    }

    private static CaptureConfig read(String text) {
        return CaptureConfig.read(ConfigFile.parse(Path.of("/etc/replicator/capture.yaml"), text, Map.of("PW", "pw")));
    }
}
