package dev.replicator.slave;

import dev.replicator.runtime.config.ConfigFile;
import dev.replicator.runtime.config.ConfigNode;
import dev.replicator.runtime.config.Secret;
import dev.replicator.runtime.net.Endpoint;
import dev.replicator.runtime.net.TlsFiles;
import dev.replicator.slave.lane.BatchLimits;
import dev.replicator.slave.postgres.ConflictPolicy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;

/**
 * {@code slave.yaml}.
 *
 * @param cluster name of the master's history, the same in all daemons
 * @param slave this slave's name, as its file at the forwarder has it
 * @param target the slave's database
 * @param forwarder where the forwarder listens
 * @param limits how much one target transaction takes
 * @param policy what happens when a change does not fit
 * @param parallel chunks that are loaded at the same time
 * @param workDirectory where dumps are kept while they are loaded
 * @param http address of metrics and health, if any
 */
public record SlaveConfig(
        String cluster,
        String slave,
        Target target,
        Forwarder forwarder,
        BatchLimits limits,
        ConflictPolicy policy,
        int parallel,
        Path workDirectory,
        Optional<String> http) {

    /**
     * The slave's database.
     *
     * @param url JDBC URL
     */
    public record Target(String url, String user, Secret password) {}

    /**
     * The way to the forwarder.
     *
     * @param tls null for plain text
     */
    public record Forwarder(Endpoint address, Secret token, TlsFiles tls) {}

    /** Reads the file; throws with every problem in it. */
    public static SlaveConfig load(Path file) {
        ConfigNode root = ConfigFile.load(file);
        ConfigNode target = root.section("target");
        ConfigNode forwarder = root.section("forwarder");
        Optional<ConfigNode> apply = root.optionalSection("apply");
        Optional<ConfigNode> restore = root.optionalSection("restore");
        SlaveConfig config = new SlaveConfig(
                root.string("cluster"),
                root.string("slave"),
                new Target(
                        target.value("url", SlaveConfig::jdbcUrl),
                        target.string("user"),
                        target.optionalSecret("password").orElse(null)),
                new Forwarder(
                        forwarder.value("address", Endpoint::parse),
                        forwarder.secret("token"),
                        forwarder.optionalSection("tls").map(TlsFiles::read).orElse(null)),
                limits(apply),
                policy(apply),
                restore.map(section -> section.integer("parallel", 2, 1, 64)).orElse(2),
                root.path("work-directory"),
                root.optionalString("http"));
        root.finish();
        return config;
    }

    private static BatchLimits limits(Optional<ConfigNode> apply) {
        int transactions = apply.map(section -> section.integer("batch-transactions", 5000, 1, 100_000))
                .orElse(5000);
        Duration interval = apply.map(section -> section.duration("batch-interval", Duration.ofMillis(20)))
                .orElse(Duration.ofMillis(20));
        return new BatchLimits(transactions, interval, BatchLimits.DEFAULT_BYTES);
    }

    private static ConflictPolicy policy(Optional<ConfigNode> apply) {
        String name = apply.map(
                        section -> section.choice("on-conflict", "stop", "stop", "stop-slave", "overwrite", "skip"))
                .orElse("stop");
        return ConflictPolicy.valueOf(name.toUpperCase(Locale.ROOT).replace('-', '_'));
    }

    private static String jdbcUrl(String text) {
        if (!text.startsWith("jdbc:postgresql:")) {
            throw new IllegalArgumentException("expected a URL such as jdbc:postgresql://db2:5432/shop");
        }
        return text;
    }
}
