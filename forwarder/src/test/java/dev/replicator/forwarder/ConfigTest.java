package dev.replicator.forwarder;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import dev.replicator.runtime.config.ConfigException;
import dev.replicator.runtime.config.Secret;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ConfigTest {
    @TempDir
    private Path directory;

    private ForwarderConfig load(String text) throws Exception {
        return ForwarderConfig.load(Files.writeString(directory.resolve("forwarder.yaml"), text));
    }

    @Test
    void shouldReadAFileWithDefaults() throws Exception {
        ForwarderConfig config = load(
                """
                cluster: shop
                listen: "0.0.0.0:7700"
                queue: {directory: q}
                dumps: {directory: d}
                capture: {token: c}
                admin: {token: a}
                slaves: slaves.d
                """);
        assertEquals(100L << 30, config.queueMaxBytes());
        assertEquals(200L << 30, config.dumpMaxBytes());
        assertEquals(Duration.ofDays(7), config.dumpMaxAge());
        assertEquals(ForwarderConfig.OnFull.DROP_SLAVE, config.onFull());
        assertEquals(directory.resolve("q"), config.queueDirectory());
        assertNull(config.http());
        assertNull(config.tls());
    }

    @Test
    void shouldReadEveryOption() throws Exception {
        ForwarderConfig config = load(
                """
                cluster: shop
                listen: "[::1]:7700"
                http: "127.0.0.1:7780"
                queue: {directory: q, max-size: 2GiB, on-full: stop}
                dumps: {directory: d, max-size: 3GiB, max-age: 2d}
                capture: {token: c}
                admin: {token: a}
                slaves: slaves.d
                tls: {certificate: cert.pem, key: key.pem, client-ca: ca.pem}
                """);
        assertEquals(2L << 30, config.queueMaxBytes());
        assertEquals(3L << 30, config.dumpMaxBytes());
        assertEquals(Duration.ofDays(2), config.dumpMaxAge());
        assertEquals(ForwarderConfig.OnFull.STOP, config.onFull());
        assertEquals("127.0.0.1:7780", config.http());
        assertEquals(directory.resolve("ca.pem"), config.tls().clientCa());
    }

    @Test
    void shouldReportAllProblemsAtOnceAndNoSecret() {
        ConfigException e = assertThrows(
                ConfigException.class,
                () -> load(
                        """
                        cluster: shop
                        listen: nowhere
                        queue: {directory: q, max-size: 10, on-full: explode}
                        dumps: {directory: d, max-ages: 2d}
                        capture: {token: geheim}
                        admin: {token: geheim}
                        """));
        String text = e.getMessage();
        for (String expected :
                new String[] {"listen", "queue.max-size", "queue.on-full", "max-age", "slaves", "admin"}) {
            assertTrue(text.contains(expected), expected + " in " + text);
        }
        assertFalse(text.contains("geheim"));
    }

    @Test
    void shouldReportAllProblemsOfAllSlaveFiles() throws Exception {
        Path slaves = Files.createDirectory(directory.resolve("slaves.d"));
        Files.writeString(slaves.resolve("a.yaml"), "slave: a\ntoken: one\ntables: [orders, public.ok]\n");
        Files.writeString(slaves.resolve("b.yaml"), "slave: b\ntoken: two\n");
        Files.writeString(slaves.resolve("c.yaml"), "slave: d\ntoken: three\ntables: []\n");
        Files.writeString(slaves.resolve("d.yaml"), "slave: d\ntoken: admin-token\ntables: []\nexlude: []\n");
        Files.writeString(slaves.resolve("e.yaml"), "slave: d\ntoken: admin-token\ntables: []\n");
        ReplicatorException e = assertThrows(
                ReplicatorException.class, () -> SlaveFiles.load(slaves, Map.of("admin", new Secret("admin-token"))));
        assertEquals(ErrorCode.CONFIGURATION, e.code());
        String text = e.getMessage();
        for (String expected : new String[] {
            "a.yaml",
            "'orders' is not schema.table",
            "b.yaml",
            "tables: missing",
            "d.yaml",
            "exlude",
            "exclude",
            "e.yaml",
            "is described by",
            "token of admin"
        }) {
            assertTrue(text.contains(expected), expected + " in " + text);
        }
        assertFalse(text.contains("admin-token"));
    }

    @Test
    void shouldReadPatternsAndExclusions() throws Exception {
        Path slaves = Files.createDirectory(directory.resolve("slaves.d"));
        Files.writeString(
                slaves.resolve("a.yaml"), "slave: a\ntoken: one\ntables: [\"public.*\"]\nexclude: [public.audit]\n");
        SlaveFile file = SlaveFiles.load(slaves, Map.of()).get("a");
        assertTrue(file.tables().contains(dev.replicator.queue.TableName.parse("public.orders")));
        assertFalse(file.tables().contains(dev.replicator.queue.TableName.parse("public.audit")));
        assertEquals("***", file.token().toString());
    }
}
