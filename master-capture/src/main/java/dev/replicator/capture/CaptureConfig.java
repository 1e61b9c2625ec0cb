package dev.replicator.capture;

import dev.replicator.queue.TableSelection;
import dev.replicator.queue.store.QueueOptions;
import dev.replicator.runtime.config.ConfigFile;
import dev.replicator.runtime.config.ConfigNode;
import dev.replicator.runtime.config.Secret;
import dev.replicator.runtime.net.Endpoint;
import dev.replicator.runtime.net.TlsFiles;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * capture.yaml.
 *
 * @param cluster name of the master, the same in all daemons
 * @param source where the master is
 * @param tables what is replicated at all
 * @param allowFullIdentity whether tables with REPLICA IDENTITY FULL are captured
 * @param confirm where a transaction must be durable before the master may forget it
 * @param queue options of the spool
 * @param spoolMaxBytes budget of the spool; at it capture stops reading
 * @param forwarder whom records go to; empty: they stay in the spool
 * @param dumps how dumps are read
 * @param http address for metrics and health
 */
public record CaptureConfig(
        String cluster,
        Source source,
        TableSelection tables,
        boolean allowFullIdentity,
        Confirm confirm,
        QueueOptions queue,
        long spoolMaxBytes,
        Optional<Forwarder> forwarder,
        Dumps dumps,
        Optional<Endpoint> http) {

    private static final Pattern CLUSTER = Pattern.compile("[a-z0-9][a-z0-9_-]{0,49}");
    private static final Pattern SLOT = Pattern.compile("[a-z0-9_]{1,63}");
    /** One walsender reads for all slaves: it may have what several would take with the server's default of 64 MiB each. */
    private static final long DECODING_BYTES = 256L << 20;

    private static final long DECODING_BYTES_MIN = 64L << 10;
    private static final long DECODING_BYTES_MAX = 2L << 40;
    private static final long SPOOL_BYTES_MIN = 1L << 20;
    private static final long SEGMENT_BYTES_MIN = 64L << 10;
    private static final long SEGMENT_BYTES_MAX = 1L << 30;
    private static final int SEGMENTS_OF_BUDGET = 8;
    private static final String POSTGRES_URL = "jdbc:postgresql:";

    /** Where a transaction must be durable before it is confirmed. */
    public enum Confirm {
        LOCAL,
        FORWARDER
    }

    /**
     * The master.
     *
     * @param url JDBC URL
     * @param user role
     * @param password its password, or empty
     * @param slot name of the replication slot
     * @param publication name of the publication
     * @param decodingBytes memory in which the server collects transactions for us before it writes them to its disk
     */
    public record Source(
            String url, String user, Secret password, String slot, String publication, long decodingBytes) {}

    /**
     * The forwarder.
     *
     * @param address where it listens
     * @param token capture's token
     * @param tls null for plain text
     */
    public record Forwarder(Endpoint address, Secret token, TlsFiles tls) {}

    /**
     * Dumps.
     *
     * @param directory where chunks wait to be sent
     * @param parallel readers at a time
     * @param lockWait longest time that a reader may keep somebody waiting for an exclusive lock (rule R21)
     * @param maxBytes budget of the directory
     */
    public record Dumps(Path directory, int parallel, Duration lockWait, long maxBytes) {}

    /**
     * Reads and checks the file.
     *
     * @throws dev.replicator.runtime.config.ConfigException with every problem in it
     */
    public static CaptureConfig load(Path file) {
        return read(ConfigFile.load(file));
    }

    static CaptureConfig read(ConfigNode root) {
        String cluster = root.value("cluster", CaptureConfig::clusterName);
        Source source = source(root.section("source"), cluster == null ? "" : cluster);
        TableSelection tables = tables(root);
        boolean fullIdentity =
                root.choice("full-identity", "allow", "allow", "refuse").equals("allow");
        String confirm = root.choice("confirm", "local", "local", "forwarder");
        ConfigNode queue = root.section("queue");
        Path directory = queue.path("directory");
        long maxSize = queue.size("max-size", 20L << 30);
        QueueOptions options = options(queue, directory == null ? Path.of("") : directory, maxSize);
        root.choice("transport", "grpc", "grpc");
        Optional<Forwarder> forwarder = root.optionalSection("forwarder").map(CaptureConfig::forwarder);
        if (confirm.equals("forwarder") && forwarder.isEmpty()) {
            root.problem("confirm", "confirm: forwarder needs a section forwarder");
        }
        Dumps dumps = dumps(root.optionalSection("dumps"), options.directory());
        Optional<Endpoint> http = root.optionalValue("http", Endpoint::parse);
        root.finish();
        return new CaptureConfig(
                cluster,
                source,
                tables,
                fullIdentity,
                Confirm.valueOf(confirm.toUpperCase(Locale.ROOT)),
                options,
                maxSize,
                forwarder,
                dumps,
                http);
    }

    private static Source source(ConfigNode node, String cluster) {
        node.choice("engine", "postgres", "postgres");
        String byDefault = "replicator_" + cluster.replace('-', '_');
        String url = node.value("url", CaptureConfig::postgresUrl);
        return new Source(
                url,
                node.string("user"),
                node.optionalSecret("password").orElse(new Secret("")),
                node.optionalValue("slot", CaptureConfig::slotName).orElse(byDefault),
                node.string("publication", byDefault),
                decodingBytes(node));
    }

    private static long decodingBytes(ConfigNode node) {
        long bytes = node.size("decoding-memory", DECODING_BYTES);
        if (bytes < DECODING_BYTES_MIN || bytes > DECODING_BYTES_MAX) {
            node.problem("decoding-memory", "the server takes 64KiB to 2TiB");
        }
        return bytes;
    }

    private static TableSelection tables(ConfigNode root) {
        try {
            return new TableSelection(root.strings("tables"), root.strings("exclude"));
        } catch (IllegalArgumentException e) {
            root.problem("tables", e.getMessage());
            return new TableSelection(java.util.List.of(), java.util.List.of());
        }
    }

    /** Only whole segments can be freed: one that is large beside the budget would hold the spool full for ever. */
    private static QueueOptions options(ConfigNode queue, Path directory, long maxSize) {
        long most =
                Math.max(SEGMENT_BYTES_MIN, Math.min(QueueOptions.DEFAULT_SEGMENT_BYTES, maxSize / SEGMENTS_OF_BUDGET));
        long segment = queue.size("segment-size", most);
        if (maxSize < SPOOL_BYTES_MIN) {
            queue.problem("max-size", "a spool needs at least 1MiB");
        } else if (segment < SEGMENT_BYTES_MIN || segment > SEGMENT_BYTES_MAX) {
            queue.problem("segment-size", "expected 64KiB to 1GiB");
        } else if (segment > maxSize / 2) {
            queue.problem(
                    "segment-size",
                    "only whole segments are freed, so max-size must have room for two: at most half of it");
        }
        return new QueueOptions(
                directory, segment, queue.size("large-transaction", QueueOptions.DEFAULT_LARGE_TRANSACTION_BYTES));
    }

    private static Forwarder forwarder(ConfigNode node) {
        return new Forwarder(
                node.value("address", Endpoint::parse),
                node.secret("token"),
                node.optionalSection("tls").map(TlsFiles::read).orElse(null));
    }

    private static Dumps dumps(Optional<ConfigNode> section, Path queueDirectory) {
        Path staging = queueDirectory.resolve("dumps");
        if (section.isEmpty()) {
            return new Dumps(staging, 2, Duration.ofSeconds(5), 50L << 30);
        }
        ConfigNode node = section.get();
        return new Dumps(
                node.path("directory", staging),
                node.integer("parallel", 2, 1, 32),
                node.duration("lock-wait", Duration.ofSeconds(5)),
                node.size("max-size", 50L << 30));
    }

    private static String clusterName(String text) {
        if (!CLUSTER.matcher(text).matches()) {
            throw new IllegalArgumentException(
                    "'" + text + "': expected lower-case letters, digits, '_' and '-', at most 50");
        }
        return text;
    }

    private static String slotName(String text) {
        if (!SLOT.matcher(text).matches()) {
            throw new IllegalArgumentException(
                    "'" + text + "': the server takes lower-case letters, digits and '_', at most 63");
        }
        return text;
    }

    private static String postgresUrl(String text) {
        if (!text.startsWith(POSTGRES_URL)) {
            throw new IllegalArgumentException("expected a URL such as jdbc:postgresql://host:5432/database");
        }
        return text;
    }
}
