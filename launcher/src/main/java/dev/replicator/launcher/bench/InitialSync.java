package dev.replicator.launcher.bench;

import dev.replicator.launcher.local.DaemonProcess;
import dev.replicator.launcher.local.TableDigest;
import dev.replicator.queue.TableName;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * {@code bench initial-sync}: time until so many new slaves at once hold a copy of the tables and follow the master.
 * Native: from {@code CREATE SUBSCRIPTION} on tables that are there with their indexes. Ours: from the definition of the
 * slaves, with the start of their daemons, into empty databases; then the same with the dumps lying on the forwarder.
 */
final class InitialSync {
    private static final String DATABASE = "bench_copy";

    private final BenchRun run;
    private final CopyTables tables;
    /** Of the master's tables, which nobody changes. */
    private final Map<TableName, TableDigest> digests = new HashMap<>();

    private int round;

    /** What one number of slaves took. */
    private static final class Figures {
        private final Measured nativeSeconds = new Measured();
        private final Measured ourSeconds = new Measured();
        private final Measured cachedSeconds = new Measured();
        private final Measured nativeRows = new Measured();
        private final Measured ourRows = new Measured();
        private final Measured cachedRows = new Measured();
        private final Measured cachedBytes = new Measured();
    }

    /** One of our two copies. */
    private record Copy(double seconds, long rowsRead, long dumpedBytes) {}

    InitialSync(BenchRun run, CopyTables tables) {
        this.run = run;
        this.tables = tables;
    }

    /** Loads the master's tables; they stay for all numbers of slaves. */
    void prepare() throws SQLException {
        BenchRun.createDatabase(run.master(), DATABASE);
        tables.load(run.master(), DATABASE);
        try (Connection connection = run.master().connect(DATABASE)) {
            for (String text : tables.qualified()) {
                TableName table = TableName.parse(text);
                digests.put(table, TableDigest.read(connection, table));
            }
        }
        run.say(
                "%,d rows loaded, %,d MiB with indexes",
                tables.rows(), run.master().number(DATABASE, "SELECT pg_database_size(current_database()) / 1048576"));
    }

    void drop() throws SQLException {
        BenchRun.dropDatabase(run.master(), DATABASE);
    }

    /** Measures that number of slaves and adds the figures; native and ours never at the same time. */
    void run(int slaves, int pairs, Bar bar) throws Exception {
        Figures figures = new Figures();
        for (int pair = 1; pair <= pairs; pair++) {
            if (pair % 2 == 1) {
                nativeCopy(slaves, figures);
                ourCopies(slaves, figures, pair == 1);
            } else {
                ourCopies(slaves, figures, false);
                nativeCopy(slaves, figures);
            }
        }
        report(slaves, figures, bar);
    }

    private void report(int slaves, Figures figures, Bar bar) {
        String name = slaves == 1 ? "1 slave" : slaves + " slaves";
        run.add(new Figure("first copy", name, "s", figures.nativeSeconds, figures.ourSeconds, bar)
                .with("slaves", slaves)
                .with("rows", tables.rows()));
        run.add(new Figure("first copy, dump cached", name, "s", figures.nativeSeconds, figures.cachedSeconds, null)
                .with("slaves", slaves));
        run.add(new Figure("rows read from master", name, "rows", figures.nativeRows, figures.ourRows, null));
        run.add(new Figure(
                        "read from master, dump cached",
                        name,
                        "bytes",
                        null,
                        figures.cachedBytes,
                        Bar.of("= 0 bytes", figure -> figure.ours().most() == 0 && figures.cachedRows.most() == 0))
                .with("rowsRead", figures.cachedRows.values()));
    }

    private void nativeCopy(int slaves, Figures figures) throws Exception {
        List<String> databases = databases("native", slaves);
        List<NativeSlave> subscriptions = new ArrayList<>();
        for (String database : databases) {
            tables.create(run.target(), database);
            subscriptions.add(new NativeSlave(run.master(), DATABASE, run.target(), database, "native_" + database));
        }
        run.checkpoint();
        long before = CopyTables.rowsRead(run.master(), DATABASE);
        double seconds = BenchRun.timed(() -> {
            for (NativeSlave subscription : subscriptions) {
                subscription.subscribe(tables.qualified());
            }
            for (NativeSlave subscription : subscriptions) {
                subscription.awaitCopied();
            }
        });
        figures.nativeSeconds.add(seconds);
        figures.nativeRows.add(CopyTables.rowsRead(run.master(), DATABASE) - before);
        run.say("first copy, %d slaves: native %.2f s", slaves, seconds);
        for (NativeSlave subscription : subscriptions) {
            subscription.drop();
        }
        dropAll(databases);
    }

    private void ourCopies(int slaves, Figures figures, boolean verify) throws Exception {
        try (OurCluster cluster = run.cluster(DATABASE)) {
            cluster.start();
            warmUp(cluster);
            Copy first = ourCopy(cluster, "first", slaves, verify);
            figures.ourSeconds.add(first.seconds());
            figures.ourRows.add(first.rowsRead());
            Copy cached = ourCopy(cluster, "cached", slaves, verify);
            figures.cachedSeconds.add(cached.seconds());
            figures.cachedRows.add(cached.rowsRead());
            figures.cachedBytes.add(cached.dumpedBytes());
            run.say(
                    "first copy, %d slaves: replicator %.2f s, again with the dumps cached %.2f s",
                    slaves, first.seconds(), cached.seconds());
        }
    }

    /** Capture and forwarder have served another slave before, as daemons that run. */
    private void warmUp(OurCluster cluster) throws Exception {
        List<String> databases = databases("warm_up", 1);
        String slave = slaveName(databases.get(0));
        DaemonProcess daemon = cluster.defineSlave(slave, databases.get(0), List.of(CopyTables.WARM_UP));
        daemon.start();
        cluster.awaitInSync(slave, 1);
        daemon.stop();
        dropAll(databases);
    }

    private Copy ourCopy(OurCluster cluster, String kind, int slaves, boolean verify) throws Exception {
        List<String> databases = databases(kind, slaves);
        List<DaemonProcess> daemons = new ArrayList<>();
        run.checkpoint();
        long rows = CopyTables.rowsRead(run.master(), DATABASE);
        Map<String, Long> dumps = cluster.dumpedBytes();
        double seconds = BenchRun.timed(() -> {
            for (String database : databases) {
                DaemonProcess daemon = cluster.defineSlave(slaveName(database), database, tables.qualified());
                daemons.add(daemon);
                daemon.start();
            }
            for (String database : databases) {
                // A table gets its name when it is whole. Asking for status as often would cost the daemons a tenth of
                // the CPU.
                DatabaseWait.until(
                        "first copy in " + database,
                        () -> CopyTables.present(run.target(), database)
                                == tables.qualified().size());
                cluster.awaitInSync(slaveName(database), tables.qualified().size());
            }
        });
        Copy copy = new Copy(
                seconds, CopyTables.rowsRead(run.master(), DATABASE) - rows, newBytes(dumps, cluster.dumpedBytes()));
        if (verify) {
            verify(databases.get(slaves - 1));
        }
        for (DaemonProcess daemon : daemons) {
            daemon.stop();
        }
        dropAll(databases);
        return copy;
    }

    /** Bytes of the dumps that were not there before. */
    static long newBytes(Map<String, Long> before, Map<String, Long> after) {
        return after.entrySet().stream()
                .filter(dump -> !before.containsKey(dump.getKey()))
                .mapToLong(Map.Entry::getValue)
                .sum();
    }

    private static String slaveName(String database) {
        return database.replace('_', '-');
    }

    /** New databases of the target, empty, with names that were not used before. */
    private List<String> databases(String kind, int count) throws SQLException {
        round++;
        List<String> names = new ArrayList<>();
        for (int i = 1; i <= count; i++) {
            String name = DATABASE + "_" + kind + "_" + round + "_" + i;
            BenchRun.createDatabase(run.target(), name);
            names.add(name);
        }
        return names;
    }

    private void dropAll(List<String> databases) throws SQLException {
        for (String database : databases) {
            BenchRun.dropDatabase(run.target(), database);
        }
    }

    /** The slave has the master's rows, and its indexes too: without them the time would be worth nothing. */
    private void verify(String database) throws SQLException {
        if (CopyTables.indexes(run.target(), database) != CopyTables.indexes(run.master(), DATABASE)) {
            throw new IllegalStateException("indexes are missing in " + database + ": the figures are void");
        }
        try (Connection connection = run.target().connect(database)) {
            for (String text : tables.qualified()) {
                TableName table = TableName.parse(text);
                if (!digests.get(table).equals(TableDigest.read(connection, table))) {
                    throw new IllegalStateException(table + " differs in " + database + ": the figures are void");
                }
            }
        }
    }
}
