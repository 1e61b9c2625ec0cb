package dev.replicator.forwarder;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.TableSelection;
import dev.replicator.queue.store.ReplicationQueue;
import dev.replicator.queue.wire.CapturedTable;
import dev.replicator.queue.wire.SlaveReport;
import dev.replicator.queue.wire.SlaveTable;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/** What is shown of one slave: its own report, its cursors, and what capture says of its tables. Thread-safe. */
final class SlaveStatus {
    static final String IN_SYNC = "in-sync";
    static final String ERROR = "error";
    static final String WAITING = "waiting-for-dump";

    /** A slave that applies this soon after the commit is in step with the master. */
    private static final Duration IN_STEP = Duration.ofSeconds(10);

    private final ReplicationQueue queue;
    private final Slaves slaves;
    private final CaptureLink link;
    private final DumpRequirements requirements;
    private final CommitTimes times;
    private final Clock clock;

    SlaveStatus(
            ReplicationQueue queue,
            Slaves slaves,
            CaptureLink link,
            DumpRequirements requirements,
            CommitTimes times,
            Clock clock) {
        this.queue = queue;
        this.slaves = slaves;
        this.link = link;
        this.requirements = requirements;
        this.times = times;
        this.clock = clock;
    }

    /**
     * One table as shown.
     *
     * @param report what the slave says; null when it said nothing of it
     * @param waits true when it waits for something that is not there, which harms nobody
     */
    record Table(TableName name, String state, String error, SlaveTable report, boolean waits) {}

    /** The slave's tables by name: those it reports and those it is granted and does not know yet. */
    List<Table> tables(Slave slave) {
        Map<TableName, SlaveTable> reported = new TreeMap<>();
        slave.report().ifPresent(report -> report.getTablesList()
                .forEach(table -> reported.put(TableName.parse(table.getTable()), table)));
        TreeSet<TableName> names = new TreeSet<>(reported.keySet());
        names.addAll(granted(slave.name()));
        return names.stream().map(name -> table(name, reported.get(name))).toList();
    }

    /** Tables the slave is granted now: by name, and those known that a pattern matches. */
    TreeSet<TableName> granted(String slave) {
        TableSelection selection =
                slaves.file(slave).map(SlaveFile::tables).orElse(new TableSelection(List.of(), List.of()));
        TreeSet<TableName> names = new TreeSet<>();
        selection.namedTables().stream().filter(selection::contains).forEach(names::add);
        for (TableName name : replicated()) {
            if (selection.contains(name)) {
                names.add(name);
            }
        }
        return names;
    }

    /** All tables that are replicated, as far as is known here. */
    TreeSet<TableName> replicated() {
        TreeSet<TableName> names = new TreeSet<>();
        if (link.isConnected()
                && link.status().map(status -> status.getTablesCount() > 0).orElse(false)) {
            link.status().orElseThrow().getTablesList().stream()
                    .filter(table -> table.getError().isEmpty())
                    .forEach(table -> names.add(TableName.parse(table.getTable())));
        } else if (queue.hasHistory()) {
            for (TableSchema schema : queue.schemasAt(queue.durableTail().seq()).values()) {
                names.add(schema.name());
            }
        }
        return names;
    }

    private Table table(TableName name, SlaveTable report) {
        String obstacle = requirements.obstacle(name);
        if (report == null) {
            return new Table(name, WAITING, obstacle, null, obstacle != null);
        }
        Optional<CapturedTable> captured = link.table(name.toString());
        boolean captureKnows = link.isConnected() && link.status().isPresent();
        if (captureKnows && captured.isPresent() && !captured.get().getError().isEmpty()) {
            return new Table(name, ERROR, captured.get().getError(), report, false);
        }
        if (obstacle != null && captured.isEmpty() && report.getState().equals(IN_SYNC)) {
            return new Table(name, ERROR, "no longer captured: " + obstacle, report, false);
        }
        String error = report.getError().isEmpty() ? null : report.getError();
        boolean waits = report.getState().equals(WAITING) && obstacle != null;
        return new Table(name, report.getState(), error == null && waits ? obstacle : error, report, waits);
    }

    /** One word for the slave as a whole. */
    String state(Slave slave, List<Table> tables) {
        if (slave.isPaused()) {
            return "paused";
        }
        String refusal = slave.refusal(Slave.MAIN).orElse("");
        if (refusal.startsWith(LaneStarts.NEEDS_RESYNC) || refusal.startsWith(LaneStarts.NEW_EPOCH)) {
            return "needs-resync";
        }
        SlaveReport report = slave.report().orElse(null);
        if (refusal.startsWith(LaneStarts.FORKED)
                || report != null && report.getState().equals(ERROR)
                || tables.stream().anyMatch(table -> table.state().equals(ERROR))) {
            return ERROR;
        }
        if (!slave.isConnected() || report == null || report.getState().equals("connecting")) {
            return "connecting";
        }
        if (report.getState().equals("needs-resync")) {
            return "needs-resync";
        }
        if (tables.stream()
                .anyMatch(table -> !table.waits()
                        && (table.state().equals(WAITING) || table.state().equals("restoring")))) {
            return "restoring";
        }
        boolean allInSync =
                tables.stream().allMatch(table -> table.waits() || table.state().equals(IN_SYNC));
        boolean inStep = lagTransactions(slave) == 0 || lagSeconds(slave) < IN_STEP.toSeconds();
        boolean mainRuns = slave.mainCursor().isPresent() && slave.hasStream(Slave.MAIN);
        if (!mainRuns) {
            return "connecting";
        }
        return allInSync && inStep ? IN_SYNC : "catching-up";
    }

    /** Why the slave is not well, or null. */
    String error(Slave slave, List<Table> tables) {
        Optional<String> refusal = slave.refusal(Slave.MAIN);
        if (refusal.isPresent()) {
            return refusal.get();
        }
        Optional<String> own = slave.report().map(SlaveReport::getError).filter(text -> !text.isEmpty());
        if (own.isPresent()) {
            return own.get();
        }
        return tables.stream()
                .filter(table -> table.state().equals(ERROR))
                .map(table -> table.name() + ": " + table.error())
                .findFirst()
                .orElse(null);
    }

    long lagTransactions(Slave slave) {
        if (!queue.hasHistory()) {
            return 0;
        }
        return Math.max(0, queue.durableTail().seq() - appliedSeq(slave));
    }

    double lagSeconds(Slave slave) {
        return lagSeconds(
                appliedSeq(slave), slave.report().map(SlaveReport::getLagMicros).orElse(0L));
    }

    private double lagSeconds(long appliedSeq, long whenCurrentMicros) {
        boolean behind = queue.hasHistory() && appliedSeq < queue.durableTail().seq();
        Instant now = clock.instant();
        long nowMicros = now.getEpochSecond() * 1_000_000 + now.getNano() / 1_000;
        return (behind ? times.lagMicros(appliedSeq, nowMicros) : whenCurrentMicros) / 1e6;
    }

    long appliedSeq(Slave slave) {
        return slave.mainCursor().map(Position::seq).orElse(0L);
    }

    /** The slave as `status` shows it. */
    ObjectNode toJson(Slave slave) {
        List<Table> tables = tables(slave);
        ObjectNode node = Json.object();
        node.put("name", slave.name());
        node.put("connected", slave.isConnected());
        node.put("state", state(slave, tables));
        node.put("appliedSeq", appliedSeq(slave));
        long lag = lagTransactions(slave);
        node.put("lagTransactions", lag);
        node.put("lagBytes", lag == 0 ? 0 : lagBytes(slave));
        node.put("lagSeconds", lagSeconds(slave));
        node.put("bytesSent", slave.bytesSent());
        node.put("dumpBytesSent", slave.dumpBytesSent());
        node.put("error", error(slave, tables));
        node.put("target", slave.report().map(SlaveReport::getTarget).orElse(null));
        ArrayNode array = node.putArray("tables");
        tables.forEach(table -> array.add(tableJson(table)));
        return node;
    }

    private ObjectNode tableJson(Table table) {
        ObjectNode node = Json.object();
        node.put("table", table.name().toString());
        node.put("state", table.state());
        node.put("error", table.error());
        SlaveTable report = table.report();
        if (report != null) {
            node.put("appliedSeq", report.getAppliedSeq());
            node.put("lagSeconds", lagSeconds(report.getAppliedSeq(), 0));
            node.put("lane", emptyToNull(report.getLane()));
            node.put("dump", emptyToNull(report.getDump()));
            node.put("progress", report.getProgress());
            node.put("blockedBy", emptyToNull(report.getBlockedBy()));
            if (report.getConflictSeq() > 0) {
                node.put("conflictSeq", report.getConflictSeq());
            } else {
                node.putNull("conflictSeq");
            }
        }
        return node;
    }

    private long lagBytes(Slave slave) {
        return slave.mainCursor()
                .filter(position -> position.epoch().equals(queue.epoch()))
                .map(position -> Math.max(0, queue.durableTail().lsn() - position.lsn()))
                .orElse(queue.sizeBytes());
    }

    private static String emptyToNull(String text) {
        return text.isEmpty() ? null : text;
    }
}
