package dev.replicator.forwarder;

import dev.replicator.runtime.config.ConfigFile;
import dev.replicator.runtime.config.ConfigNode;
import dev.replicator.runtime.config.Secret;
import dev.replicator.runtime.net.Endpoint;
import dev.replicator.runtime.net.TlsServerFiles;
import java.nio.file.Path;
import java.time.Duration;

/**
 * {@code forwarder.yaml}.
 *
 * @param cluster one master database's history; the same in all daemons
 * @param listen where the daemons and the admin command connect
 * @param http where metrics and health are served; null: nowhere
 * @param queueDirectory the replication queue
 * @param queueMaxBytes hard budget of the queue
 * @param onFull what gives way at the budget
 * @param dumpDirectory the dump cache
 * @param dumpMaxBytes budget of the dump cache
 * @param dumpMaxAge older dumps that nobody uses go
 * @param captureToken capture's token
 * @param adminToken the admin command's token
 * @param slaves directory with one file per slave
 * @param tls null: plain text
 */
public record ForwarderConfig(
        String cluster,
        Endpoint listen,
        String http,
        Path queueDirectory,
        long queueMaxBytes,
        OnFull onFull,
        Path dumpDirectory,
        long dumpMaxBytes,
        Duration dumpMaxAge,
        Secret captureToken,
        Secret adminToken,
        Path slaves,
        TlsServerFiles tls) {

    private static final long GIB = 1L << 30;
    private static final long QUEUE_BYTES_MIN = 1L << 20;

    /** What gives way when the queue's budget is used up. */
    public enum OnFull {
        /** Unused dumps, then the lane that is furthest behind. */
        DROP_SLAVE,
        /** Nothing: taking in stops, capture spools, then the master's slot holds WAL. */
        STOP
    }

    /**
     * Reads and checks the file.
     *
     * @throws dev.replicator.runtime.config.ConfigException with every problem in it
     */
    public static ForwarderConfig load(Path file) {
        ConfigNode root = ConfigFile.load(file);
        ConfigNode queue = root.section("queue");
        ConfigNode dumps = root.section("dumps");
        ForwarderConfig config = new ForwarderConfig(
                root.string("cluster"),
                root.value("listen", Endpoint::parse),
                root.optionalValue("http", text -> Endpoint.parse(text).toString())
                        .orElse(null),
                queue.path("directory"),
                queue.size("max-size", 100 * GIB),
                queue.choice("on-full", "drop-slave", "drop-slave", "stop").equals("stop")
                        ? OnFull.STOP
                        : OnFull.DROP_SLAVE,
                dumps.path("directory"),
                dumps.size("max-size", 200 * GIB),
                dumps.duration("max-age", Duration.ofDays(7)),
                root.section("capture").secret("token"),
                root.section("admin").secret("token"),
                root.path("slaves"),
                root.optionalSection("tls").map(TlsServerFiles::read).orElse(null));
        config.check(root, queue, dumps);
        root.finish();
        return config;
    }

    private void check(ConfigNode root, ConfigNode queue, ConfigNode dumps) {
        if (queueMaxBytes < QUEUE_BYTES_MIN) {
            queue.problem("max-size", "a queue needs at least 1MiB");
        }
        if (dumpMaxAge.isNegative() || dumpMaxAge.isZero()) {
            dumps.problem("max-age", "expected a positive duration");
        }
        if (!captureToken.value().isEmpty() && captureToken.equals(adminToken)) {
            root.problem("admin", "capture and admin have the same token; give each its own");
        }
        if (queueDirectory.equals(dumpDirectory)) {
            dumps.problem("directory", "queue and dumps cannot share a directory");
        }
    }
}
