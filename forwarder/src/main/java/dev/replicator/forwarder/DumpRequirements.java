package dev.replicator.forwarder;

import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSelection;
import dev.replicator.queue.wire.CaptureStatus;
import dev.replicator.queue.wire.CapturedTable;
import dev.replicator.queue.wire.DumpOrder;
import dev.replicator.queue.wire.DumpOrderTable;
import dev.replicator.queue.wire.MarkerOrder;
import dev.replicator.queue.wire.RequireDumpsReply;
import dev.replicator.queue.wire.RequireDumpsRequest;
import dev.replicator.queue.wire.RequiredDump;
import dev.replicator.queue.wire.ToCapture;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers who needs which dump, and passes on to capture what no cached dump serves. Thread-safe. */
final class DumpRequirements {
    private static final Logger LOG = LoggerFactory.getLogger(DumpRequirements.class);

    private final DumpCatalog catalog;
    private final CaptureLink link;
    private final Slaves slaves;
    private final Visibility visibility;

    DumpRequirements(DumpCatalog catalog, CaptureLink link, Slaves slaves, Visibility visibility) {
        this.catalog = catalog;
        this.link = link;
        this.slaves = slaves;
        this.visibility = visibility;
    }

    /** Names a dump for each table the slave asks for; all new ones share one snapshot, so no order goes out between. */
    synchronized RequireDumpsReply require(Slave slave, RequireDumpsRequest request) throws IOException {
        TableSelection granted =
                slaves.file(slave.name()).map(SlaveFile::tables).orElse(new TableSelection(List.of(), List.of()));
        String group = DumpCatalog.newGroup();
        RequireDumpsReply.Builder reply = RequireDumpsReply.newBuilder();
        for (String name : request.getTablesList()) {
            TableName table = TableName.parse(name);
            RequiredDump.Builder answer;
            if (!granted.contains(table)) {
                LOG.atWarn()
                        .addKeyValue("slave", slave.name())
                        .addKeyValue("table", table)
                        .log("Refused a dump: the slave is not granted this table");
                answer = refuse("the slave is not granted this table");
            } else if (request.getOnlyIdsCount() > 0) {
                answer = chosen(slave, table, request.getOnlyIdsList());
            } else {
                answer = require(slave.name(), table, request.getFresh(), group);
            }
            reply.addDumps(answer.setTable(name));
        }
        sendOrders();
        return reply.build();
    }

    /** Requests new dumps for an operator; one snapshot for all. */
    synchronized List<DumpEntry> request(List<TableName> tables, String slave) throws IOException {
        String group = DumpCatalog.newGroup();
        List<DumpEntry> entries = new ArrayList<>();
        for (TableName table : tables) {
            entries.add(catalog.require(table, slave, true, group));
        }
        sendOrders();
        return entries;
    }

    private RequiredDump.Builder chosen(Slave slave, TableName table, List<String> ids) throws IOException {
        for (String id : ids) {
            Optional<DumpEntry> entry = catalog.latest(id);
            if (entry.isPresent() && entry.get().table.equals(table)) {
                if (entry.get().state == DumpEntry.State.COMPLETE && !catalog.isUsable(entry.get())) {
                    return refuse("dump " + id + " can no longer meet the stream");
                }
                if (entry.get().state == DumpEntry.State.FAILED) {
                    return refuse("dump " + id + " failed: " + entry.get().error);
                }
                catalog.want(entry.get(), slave.name());
                return answer(entry.get());
            }
        }
        return refuse("none of the dumps " + ids + " is of this table");
    }

    private RequiredDump.Builder require(String slave, TableName table, boolean fresh, String group)
            throws IOException {
        String captured = obstacle(table);
        String obstacle = captured == null ? catalog.refusal(table).orElse(null) : captured;
        Optional<DumpEntry> served =
                obstacle == null ? Optional.of(catalog.require(table, slave, fresh, group)) : catalog.usable(table);
        if (served.isEmpty()) {
            return refuse(obstacle);
        }
        catalog.want(served.get(), slave);
        return answer(served.get());
    }

    /** Why no new dump of a table can be made, or null. Unknown while no capture was here: then the request waits. */
    String obstacle(TableName table) {
        if (!link.isReadyForOrders()
                || link.status().map(CaptureStatus::getTablesCount).orElse(0) == 0) {
            return null;
        }
        Optional<CapturedTable> captured = link.table(table.toString());
        if (captured.isEmpty()) {
            return "the master has no such table, capture's `tables` do not include it, or it is a partition, which comes"
                    + " with its partitioned table";
        }
        return captured.get().getError().isEmpty() ? null : captured.get().getError();
    }

    /** Sends requests that capture has not been told of on this connection. */
    synchronized void sendOrders() throws IOException {
        long connection = link.connectionNumber();
        if (!link.isReadyForOrders() || visibility.obstacleToDumps() != null) {
            return;
        }
        Map<String, List<DumpEntry>> groups = catalog.toOrder(connection, visibility.holdForNewDump());
        for (Map.Entry<String, List<DumpEntry>> group : groups.entrySet()) {
            DumpOrder.Builder order = DumpOrder.newBuilder().setGroup(group.getKey());
            for (DumpEntry entry : group.getValue()) {
                order.addTables(DumpOrderTable.newBuilder().setDumpId(entry.id).setTable(entry.table.toString()));
            }
            link.send(ToCapture.newBuilder().setDump(order).build());
        }
        for (String fence : catalog.fences()) {
            link.send(ToCapture.newBuilder()
                    .setMarker(MarkerOrder.newBuilder().setMarker(fence))
                    .build());
        }
    }

    private static RequiredDump.Builder answer(DumpEntry entry) {
        return RequiredDump.newBuilder().setDumpId(entry.id).setState(entry.state.text());
    }

    private static RequiredDump.Builder refuse(String reason) {
        return RequiredDump.newBuilder().setReason(reason);
    }
}
