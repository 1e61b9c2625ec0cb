package dev.replicator.runtime.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ConfigNodeTest {
    private static final Path FILE = Path.of("/etc/replicator/capture.yaml");

    @TempDir
    Path directory;

    @Test
    void shouldReadEveryKindOfValue() {
        ConfigNode root = parse(
                """
                cluster: shop
                tables: ["public.*", public.orders]
                confirm: forwarder
                restore: {parallel: 4, verify: false}
                queue:
                  directory: spool
                  max-size: 20GiB
                  flush: 20ms
                slaves:
                  - {name: a}
                  - {name: b}
                """);
        ConfigNode queue = root.section("queue");
        ConfigNode restore = root.section("restore");

        assertEquals("shop", root.string("cluster"));
        assertEquals(List.of("public.*", "public.orders"), root.strings("tables"));
        assertEquals("forwarder", root.choice("confirm", "local", "local", "forwarder"));
        assertEquals(4, restore.integer("parallel", 2, 1, 16));
        assertFalse(restore.flag("verify", true));
        assertEquals(Path.of("/etc/replicator/spool"), queue.path("directory"));
        assertEquals(20L << 30, queue.size("max-size", 1));
        assertEquals(Duration.ofMillis(20), queue.duration("flush", Duration.ZERO));
        assertEquals(
                List.of("a", "b"),
                root.sections("slaves").stream()
                        .map(slave -> slave.string("name"))
                        .toList());
        root.finish();
    }

    @Test
    void shouldGiveDefaultsWhereNothingIsSaid() {
        ConfigNode root = parse("");

        assertEquals("x", root.string("cluster", "x"));
        assertEquals(7, root.integer("n", 7, 1, 9));
        assertEquals(Duration.ofDays(7), root.duration("age", Duration.ofDays(7)));
        assertEquals(5, root.size("size", 5));
        assertEquals("local", root.choice("confirm", "local", "local", "forwarder"));
        assertEquals(List.of(), root.strings("tables"));
        assertEquals(Optional.empty(), root.optionalSection("tls"));
        root.finish();
    }

    @Test
    void shouldReportAllProblemsWithPathAndLine() {
        ConfigNode root = parse(
                """
                clustr: shop
                confirm: slaves
                queue:
                  max-size: 20
                  max-size: 30GiB
                  on-fulll: stop
                flush: 1 week
                tables: public.orders
                parallel: 0
                """);
        root.string("cluster");
        root.choice("confirm", "local", "local", "forwarder");
        ConfigNode queue = root.section("queue");
        queue.size("max-size", 1);
        queue.choice("on-full", "stop", "stop");
        queue.path("directory");
        root.duration("flush", Duration.ZERO);
        root.strings("tables");
        root.integer("parallel", 2, 1, 16);
        root.section("forwarder").string("address");

        ConfigException thrown = assertThrows(ConfigException.class, root::finish);

        assertEquals(
                List.of(
                        "line 1: cluster: missing",
                        "line 1: forwarder: missing",
                        "line 1: clustr: unknown key; did you mean \"cluster\"?",
                        "line 2: confirm: expected one of local, forwarder, got \"slaves\"",
                        "line 4: queue.max-size: expected a size such as 512MiB or 20GiB (B, KiB, MiB, GiB, TiB), got \"20\"",
                        "line 4: queue.directory: missing",
                        "line 5: queue.max-size: the key is given twice, first in line 4",
                        "line 6: queue.on-fulll: unknown key; did you mean \"on-full\"?",
                        "line 7: flush: expected a duration such as 20ms, 30s or 7d (ms, s, m, h, d), got \"1 week\"",
                        "line 8: tables: expected a list, such as [\"public.*\"]",
                        "line 9: parallel: expected a whole number from 1 to 16, got \"0\""),
                thrown.problems());
        assertEquals(2, thrown.code().exitCode());
        assertTrue(thrown.getMessage().contains("capture.yaml, it has 11 problems:"), thrown.getMessage());
    }

    @Test
    void shouldRefuseASectionThatNobodyKnows() {
        ConfigNode root = parse("cluster: shop\nwebhooks: {url: x}\n");
        root.string("cluster");

        ConfigException thrown = assertThrows(ConfigException.class, root::finish);

        assertEquals(List.of("line 2: webhooks: unknown key; the keys here are cluster"), thrown.problems());
    }

    @Test
    void shouldTakeSecretsFromEnvironmentAndFiles() throws IOException {
        Files.writeString(directory.resolve("token"), "from-file\n");
        ConfigNode root = ConfigFile.parse(
                directory.resolve("x.yaml"),
                "password: ${env:PASSWORD}\ntoken: \"${file:token}\"\nurl: \"jdbc://${env:HOST}/shop\"\n",
                Map.of("PASSWORD", "from-env", "HOST", "db1"));

        assertEquals("from-env", root.secret("password").value());
        assertEquals("from-file", root.secret("token").value());
        assertEquals("jdbc://db1/shop", root.string("url"));
        assertEquals("***", root.secret("token").toString());
        root.finish();
    }

    @Test
    void shouldSayWhichReferenceLeadsNowhere() {
        ConfigNode root = parse("a: \"${env:NONE}\"\nb: \"${file:none}\"\nc: \"${vault:x}\"\nd: \"\"\n");
        root.secret("a");
        root.secret("b");
        root.secret("c");
        root.secret("d");

        List<String> problems =
                assertThrows(ConfigException.class, root::finish).problems();

        assertEquals("line 1: a: the environment variable NONE is not set", problems.get(0));
        assertTrue(problems.get(1).startsWith("line 2: b: cannot read the file /etc/replicator/none"), problems.get(1));
        assertEquals("line 3: c: expected ${env:NAME} or ${file:PATH}, got ${vault:x}", problems.get(2));
        assertEquals("line 4: d: the secret is empty", problems.get(3));
        assertEquals(4, problems.size());
    }

    @Test
    void shouldNameTheLineThatIsNotYaml() {
        ConfigException thrown = assertThrows(ConfigException.class, () -> parse("a: 1\nb: [\n"));

        assertTrue(
                thrown.problems().get(0).startsWith("line 3: not YAML"),
                thrown.problems().toString());
        assertThrows(ConfigException.class, () -> parse("just a text"));
    }

    @Test
    void shouldSayThatTheFileDoesNotExist() {
        ConfigException thrown =
                assertThrows(ConfigException.class, () -> ConfigFile.load(directory.resolve("none.yaml")));

        assertEquals(List.of("the file does not exist"), thrown.problems());
    }

    @Test
    void shouldReportProblemsAcrossKeys() {
        ConfigNode root = parse("first: 1\nsecond: 2\n");
        root.string("first");
        root.string("second");
        root.problem("second", "must be below first");

        assertEquals(
                List.of("line 2: second: must be below first"),
                assertThrows(ConfigException.class, root::finish).problems());
    }

    private static ConfigNode parse(String text) {
        return ConfigFile.parse(FILE, text, Map.of());
    }
}
