package dev.replicator.launcher.demo;

import com.fasterxml.jackson.databind.JsonNode;
import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.launcher.local.LocalCluster;
import dev.replicator.launcher.local.StatusWait;
import dev.replicator.launcher.local.TableDigest;
import dev.replicator.queue.TableName;
import dev.replicator.runtime.cli.Human;
import dev.replicator.runtime.cli.TextTable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The steps of the demo, in order. Each is a promise of the product and fails loudly when it is not kept. */
final class DemoScript {
    private static final String DATABASE = "postgres";
    private static final List<String> REPORTING = List.of(
            "shop.customers", "shop.products", "shop.orders", "shop.order_lines", "shop.order_log", "shop.events");
    private static final List<String> BRANCH = List.of("shop.customers", "shop.products");
    private static final List<String> BRANCH_LATER = List.of("shop.customers", "shop.products", "shop.documents");

    private final DemoConsole console;
    private final LocalCluster cluster;
    private final EmbeddedPostgres master;
    private final EmbeddedPostgres reporting;
    private final EmbeddedPostgres branch;
    private final StatusWait wait;
    private final int transactions;

    DemoScript(
            DemoConsole console,
            LocalCluster cluster,
            EmbeddedPostgres master,
            EmbeddedPostgres reporting,
            EmbeddedPostgres branch,
            int transactions) {
        this.console = console;
        this.cluster = cluster;
        this.master = master;
        this.reporting = reporting;
        this.branch = branch;
        this.transactions = transactions;
        this.wait = new StatusWait(cluster, Duration.ofSeconds(60));
    }

    /**
     * Runs all steps.
     *
     * @return true when every slave's tables equal the master's
     */
    boolean run() throws Exception {
        load();
        startDaemons();
        int rate = Math.max(50, transactions / 20);
        try (DemoTraffic traffic = new DemoTraffic(() -> master.connect(DATABASE), rate)) {
            console.step(
                    "Traffic on the master: " + rate + " transactions/s from two connections, also rolled back ones");
            traffic.start();
            secondSlaveFromCache();
            addTable();
            redumpUnderLoad();
            killSlave();
            traffic.awaitCommitted(transactions);
            traffic.finish();
            console.step("Traffic ends after " + Human.count(traffic.committed()) + " transactions");
        }
        boolean equal = compare();
        bytes();
        return equal;
    }

    private void load() throws SQLException, IOException {
        console.step("A master with tables of many types");
        try (Connection connection = master.connect(DATABASE);
                Statement statement = connection.createStatement()) {
            statement.execute(resource("schema.sql"));
            statement.execute(resource("load.sql"));
        }
        console.fact("customers, products, orders with lines and a trigger's log, documents (TOAST), partitioned"
                + " events, and salaries that no slave carries");
    }

    private void startDaemons() throws IOException {
        console.step("Forwarder, capture and the slave 'reporting' with " + REPORTING.size() + " tables");
        cluster.defineForwarder("1GiB", "");
        cluster.defineCapture(master.jdbcUrl(DATABASE), "postgres", "postgres", List.of("shop.*"), "");
        cluster.defineSlave("reporting", reporting.jdbcUrl(DATABASE), "postgres", "postgres", REPORTING);
        cluster.defineSlave("branch", branch.jdbcUrl(DATABASE), "postgres", "postgres", BRANCH);
        cluster.forwarder().start();
        cluster.capture().start();
        cluster.slave("reporting").daemon().start();
        JsonNode status = inSync("reporting", REPORTING.size());
        console.fact("in sync; read from the master once: " + DemoConsole.bytes(dumpedBytes(status)) + " in "
                + status.path("dumps").size() + " table dumps");
    }

    private void secondSlaveFromCache() throws IOException {
        console.step("The second slave 'branch' needs " + String.join(", ", BRANCH));
        long before = dumpedBytes(cluster.status());
        cluster.slave("branch").daemon().start();
        JsonNode status = inSync("branch", BRANCH.size());
        console.fact("in sync from cached dumps: " + (dumpedBytes(status) - before) + " bytes read from the master");
    }

    private void addTable() throws IOException {
        console.step("One line more in slaves.d/branch.yaml: shop.documents, then admin reload");
        cluster.grant("branch", BRANCH_LATER);
        cluster.admin("reload").orThrow();
        inSync("branch", BRANCH_LATER.size());
        console.fact("shop.documents joined; the other tables never stopped");
    }

    private void redumpUnderLoad() throws Exception {
        console.step("A new dump of shop.customers for 'reporting', while it is read and written");
        try (DemoReader reader =
                new DemoReader(() -> reporting.connect(DATABASE), "SELECT count(*) FROM shop.customers")) {
            cluster.admin("dump", "request", "--table", "shop.customers", "--slave", "reporting", "--wait")
                    .orThrow();
            inSync("reporting", REPORTING.size());
            reader.finish();
            console.fact("a reader polled the table " + reader.polls() + " times meanwhile and never saw fewer than "
                    + Human.count(reader.fewestRows()) + " rows");
            if (reader.fewestRows() < 1000) {
                throw new IllegalStateException("a reader saw " + reader.fewestRows() + " rows during the re-dump");
            }
        }
    }

    private void killSlave() throws Exception {
        console.step("kill -9 of the slave daemon 'reporting', pid "
                + cluster.slave("reporting").daemon().pid());
        cluster.slave("reporting").daemon().kill();
        cluster.slave("reporting").daemon().start();
        inSync("reporting", REPORTING.size());
        console.fact("started again, went on where its database said");
    }

    private boolean compare() throws SQLException {
        for (String slave : List.of("reporting", "branch")) {
            cluster.admin("wait", "--slave", slave, "--timeout", "60s").orThrow();
        }
        console.step("Every table compared by row count and ordered hash");
        TextTable table = new TextTable("slave", "table", "rows", "hash", "equal");
        boolean equal = compare(table, "reporting", reporting, REPORTING);
        equal &= compare(table, "branch", branch, BRANCH_LATER);
        console.line(table.toString());
        return equal;
    }

    private boolean compare(TextTable output, String name, EmbeddedPostgres slave, List<String> tables)
            throws SQLException {
        boolean all = true;
        try (Connection left = master.connect(DATABASE);
                Connection right = slave.connect(DATABASE)) {
            for (String text : tables) {
                TableName table = TableName.parse(text);
                TableDigest expected = TableDigest.read(left, table);
                TableDigest actual = TableDigest.read(right, table);
                boolean same = expected.equals(actual);
                all &= same;
                String hash = actual == null || actual.hash().isEmpty()
                        ? "-"
                        : actual.hash().substring(0, 12);
                output.row(name, text, actual == null ? "-" : Human.count(actual.rows()), hash, same ? "yes" : "NO");
            }
        }
        return all;
    }

    private void bytes() throws IOException {
        JsonNode status = cluster.status();
        long full = status.path("queue").path("bytes").asLong();
        console.step("What each slave received, compared with the full stream of " + DemoConsole.bytes(full));
        TextTable table = new TextTable("slave", "tables", "stream", "share", "dumps");
        Map<String, Integer> counts = new HashMap<>();
        for (JsonNode slave : status.path("slaves")) {
            long sent = slave.path("bytesSent").asLong();
            counts.merge(slave.path("name").asText(), slave.path("tables").size(), Integer::sum);
            table.row(
                    slave.path("name").asText(),
                    String.valueOf(slave.path("tables").size()),
                    DemoConsole.bytes(sent),
                    full == 0 ? "-" : 100 * sent / full + " %",
                    DemoConsole.bytes(slave.path("dumpBytesSent").asLong()));
        }
        console.line(table.toString());
    }

    private JsonNode inSync(String slave, int tables) {
        try (DemoProgress progress = new DemoProgress(console, slave)) {
            return wait.until(
                    slave + " in sync",
                    status -> StatusWait.isInSync(StatusWait.slaveOf(status, slave), tables),
                    status -> progress.show(StatusWait.slaveOf(status, slave)));
        }
    }

    /** Bytes of all table dumps that were ever read from the master and are still known. */
    private static long dumpedBytes(JsonNode status) {
        long sum = 0;
        for (JsonNode dump : status.path("dumps")) {
            sum += dump.path("bytes").asLong();
        }
        return sum;
    }

    static String resource(String name) throws IOException {
        try (InputStream in = DemoScript.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IOException("resource " + name + " is missing from the launcher's jar");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** Tables of a slave that are carried, for the closing hints. */
    List<String> hints() {
        List<String> lines = new ArrayList<>();
        lines.add("master:    psql '" + master.jdbcUrl(DATABASE).substring("jdbc:".length()) + "'");
        lines.add("reporting: psql '" + reporting.jdbcUrl(DATABASE).substring("jdbc:".length()) + "'");
        lines.add("branch:    psql '" + branch.jdbcUrl(DATABASE).substring("jdbc:".length()) + "'");
        lines.add("status:    ./replicator admin --forwarder " + cluster.address() + " --token-file "
                + cluster.tokenFile("admin") + " status");
        lines.add("metrics:   curl http://" + cluster.httpAddress() + "/metrics");
        lines.add("queue:     ./replicator queue describe --directory " + cluster.data("forwarder/queue"));
        lines.add("table set: edit " + cluster.configDirectory().resolve("slaves.d/branch.yaml")
                + ", then admin ... reload");
        lines.add("logs:      " + cluster.root().resolve("var/log/replicator"));
        return lines;
    }
}
