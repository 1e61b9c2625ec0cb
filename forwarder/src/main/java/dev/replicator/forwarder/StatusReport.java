package dev.replicator.forwarder;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.replicator.dumps.DumpManifest;
import dev.replicator.dumps.DumpState;
import dev.replicator.dumps.StoredDump;
import dev.replicator.queue.Lsn;
import dev.replicator.queue.TableName;
import dev.replicator.queue.store.ReplicationQueue;
import dev.replicator.queue.wire.CaptureStatus;
import dev.replicator.queue.wire.CapturedTable;
import dev.replicator.queue.wire.SlaveLane;
import dev.replicator.queue.wire.SlaveReport;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/** The documents that {@code replicator admin} prints as JSON. Thread-safe. */
final class StatusReport {
    private final String cluster;
    private final ReplicationQueue queue;
    private final CaptureLink link;
    private final Slaves slaves;
    private final SlaveStatus slaveStatus;
    private final DumpCatalog dumps;
    private final Retention retention;
    private final Visibility visibility;

    StatusReport(
            String cluster,
            ReplicationQueue queue,
            CaptureLink link,
            Slaves slaves,
            SlaveStatus slaveStatus,
            DumpCatalog dumps,
            Retention retention,
            Visibility visibility) {
        this.cluster = cluster;
        this.queue = queue;
        this.link = link;
        this.slaves = slaves;
        this.slaveStatus = slaveStatus;
        this.dumps = dumps;
        this.retention = retention;
        this.visibility = visibility;
    }

    ObjectNode status() {
        ObjectNode node = Json.object();
        node.put("cluster", cluster);
        node.put("epoch", queue.hasHistory() ? queue.epoch().number() : 0);
        node.set("master", master());
        node.set("queue", queue());
        node.set("slaves", slaveList());
        node.set("dumps", dumpList());
        return node;
    }

    private ObjectNode master() {
        ObjectNode node = Json.object();
        Optional<CaptureStatus> preparing = link.preparing();
        boolean connected = link.isConnected() || preparing.isPresent();
        CaptureStatus status = preparing.or(link::status).orElse(CaptureStatus.getDefaultInstance());
        node.put("connected", connected && status.getMasterConnected());
        node.put("position", Lsn.format(status.getCapturedLsn()));
        node.put("lagSeconds", status.getLagMicros() / 1e6);
        node.put("captureConnected", connected);
        node.put("state", connected ? status.getState() : "capture-away");
        String error = connected ? status.getError() : link.error();
        node.put("error", error == null || error.isEmpty() ? null : error);
        node.put("walHeldBytes", status.getWalHeldBytes());
        node.put("safeWalBytes", status.getSafeWalBytes());
        node.put("spoolBytes", status.getSpoolBytes());
        ArrayNode waitingFor = node.putArray("waitingFor");
        status.getWaitingForList().forEach(waitingFor::add);
        return node;
    }

    private ObjectNode queue() {
        ObjectNode node = Json.object();
        boolean history = queue.hasHistory();
        node.put("firstSeq", history ? queue.firstSeq() : 0);
        node.put("lastSeq", history ? queue.durableTail().seq() : 0);
        node.put("bytes", queue.sizeBytes());
        node.put("position", Lsn.format(history ? queue.durableLsn() : 0));
        node.put("epochId", history ? queue.epoch().id().toString() : null);
        node.put("visibleSeq", visibility.visibleSeq().orElse(0));
        node.put("error", link.obstacle() == null ? retention.obstacle() : link.obstacle());
        ArrayNode heldBy = node.putArray("heldBy");
        List<Retention.Holder> holders = retention.holders();
        holders.stream()
                .filter(holder -> holder.seq() == holders.get(0).seq())
                .forEach(holder -> addHolder(heldBy, holder));
        retention.missed().forEach(slave -> addMissed(heldBy, slave));
        return node;
    }

    private void addMissed(ArrayNode heldBy, String slave) {
        heldBy.addObject()
                .put("slave", slave)
                .putNull("table")
                .put("seq", queue.hasHistory() ? queue.firstSeq() - 1 : 0)
                .putNull("lane")
                .putNull("dump")
                .put("what", "not connected since the index was lost");
    }

    private void addHolder(ArrayNode heldBy, Retention.Holder holder) {
        String tables = holder.slave() == null || holder.lane().equals(Slave.MAIN)
                ? null
                : slaves.find(holder.slave())
                        .flatMap(Slave::report)
                        .flatMap(report -> report.getLanesList().stream()
                                .filter(lane -> lane.getLane().equals(holder.lane()))
                                .findFirst())
                        .map(lane -> String.join(", ", lane.getTablesList()))
                        .orElse(null);
        heldBy.addObject()
                .put("slave", holder.slave())
                .put("table", tables)
                .put("seq", holder.seq())
                .put("lane", holder.lane())
                .put("dump", holder.dump())
                .put("what", holder.isVisibility() ? "master visibility" : holder.dump() != null ? "dump" : "lane");
    }

    ArrayNode slaveList() {
        ArrayNode array = Json.MAPPER.createArrayNode();
        slaves.all().forEach(slave -> array.add(slaveStatus.toJson(slave)));
        return array;
    }

    /** One slave with all that is known of it. */
    ObjectNode slave(Slave slave) {
        ObjectNode node = slaveStatus.toJson(slave);
        slaves.file(slave.name()).ifPresent(file -> {
            node.put("file", file.file().toString());
            ArrayNode patterns = node.putArray("patterns");
            file.tables().tables().forEach(patterns::add);
            ArrayNode exclude = node.putArray("exclude");
            file.tables().exclude().forEach(exclude::add);
        });
        ArrayNode resolved = node.putArray("resolved");
        slaveStatus.granted(slave.name()).forEach(name -> resolved.add(name.toString()));
        ArrayNode lanes = node.putArray("lanes");
        for (SlaveLane lane : slave.report().map(SlaveReport::getLanesList).orElse(List.of())) {
            ObjectNode laneNode = lanes.addObject()
                    .put("lane", lane.getLane())
                    .put("state", lane.getState())
                    .put("seq", lane.getPosition().getSeq())
                    .put("error", lane.getError().isEmpty() ? null : lane.getError());
            ArrayNode tables = laneNode.putArray("tables");
            lane.getTablesList().forEach(tables::add);
        }
        return node;
    }

    /** Conflicts the slave reported, newest last. */
    ObjectNode conflicts(Slave slave) {
        ObjectNode node = Json.object().put("slave", slave.name());
        ArrayNode array = node.putArray("conflicts");
        slave.report().ifPresent(report -> report.getConflictsList().forEach(conflict -> array.addObject()
                .put("seq", conflict.getSeq())
                .put("table", conflict.getTable())
                .put("kind", conflict.getKind())
                .put("detail", conflict.getDetail())
                .put("resolution", conflict.getResolution())
                .put(
                        "at",
                        java.time.Instant.EPOCH
                                .plus(conflict.getAtMicros(), ChronoUnit.MICROS)
                                .toString())));
        return node;
    }

    ArrayNode dumpList() {
        ArrayNode array = Json.MAPPER.createArrayNode();
        dumps.list().forEach(entry -> array.add(dump(entry)));
        return array;
    }

    ObjectNode dump(DumpEntry entry) {
        ObjectNode node = Json.object();
        Optional<StoredDump> stored = dumps.stored(entry);
        Optional<DumpManifest> manifest = stored.map(StoredDump::manifest);
        node.put("id", entry.id);
        node.put("table", entry.table.toString());
        node.put("state", entry.state.text());
        node.put("rows", stored.map(StoredDump::rows).orElse(0L));
        node.put("bytes", stored.map(StoredDump::storedBytes).orElse(0L));
        if (manifest.isPresent()) {
            node.put("baseSeq", manifest.get().boundary().baseSeq());
        } else {
            node.putNull("baseSeq");
        }
        node.put("createdAt", entry.createdAt.truncatedTo(ChronoUnit.SECONDS).toString());
        node.put("servedTo", entry.servedTo.size());
        node.put("progress", entry.state == DumpEntry.State.COMPLETE ? 1.0 : 0.0);
        node.put("incarnation", manifest.map(DumpManifest::incarnation).orElse(0));
        ArrayNode pinnedBy = node.putArray("pinnedBy");
        List.copyOf(entry.wantedBy).forEach(pinnedBy::add);
        node.put("error", entry.error);
        node.put("successor", entry.successor);
        node.put("waitingFor", waitingFor(entry));
        return node;
    }

    private String waitingFor(DumpEntry entry) {
        if (entry.state == DumpEntry.State.RUNNING) {
            boolean read = dumps.manifest(entry)
                    .map(manifest -> manifest.state() == DumpState.COMPLETE)
                    .orElse(false);
            return read ? "its marker, which capture has not read in the master's log yet" : null;
        }
        if (entry.state != DumpEntry.State.REQUESTED) {
            return null;
        }
        if (!link.isConnected()) {
            return "capture is not connected";
        }
        String obstacle = visibility.obstacleToDumps();
        if (obstacle != null) {
            return obstacle;
        }
        return link.table(entry.table.toString())
                .map(CapturedTable::getWaitingFor)
                .filter(text -> !text.isEmpty())
                .orElse(null);
    }

    /** Replicated tables, who carries each, newest dump. */
    ObjectNode tables() {
        ObjectNode node = Json.object().put("cluster", cluster);
        ArrayNode array = node.putArray("tables");
        TreeSet<TableName> names = slaveStatus.replicated();
        if (link.isConnected()) {
            link.status().ifPresent(status -> status.getTablesList()
                    .forEach(table -> names.add(TableName.parse(table.getTable()))));
        }
        for (TableName name : names) {
            ObjectNode table = array.addObject().put("table", name.toString());
            Optional<CapturedTable> captured = link.table(name.toString());
            table.put("incarnation", captured.map(CapturedTable::getIncarnation).orElse(0));
            table.put(
                    "error",
                    captured.map(CapturedTable::getError)
                            .filter(t -> !t.isEmpty())
                            .orElse(null));
            table.put(
                    "waitingFor",
                    captured.map(CapturedTable::getWaitingFor)
                            .filter(t -> !t.isEmpty())
                            .orElse(null));
            ArrayNode carriers = table.putArray("slaves");
            slaves.files().values().stream()
                    .filter(file -> file.tables().contains(name))
                    .map(SlaveFile::slave)
                    .sorted()
                    .forEach(carriers::add);
            Optional<DumpEntry> newest = dumps.list().stream()
                    .filter(entry -> entry.table.equals(name) && entry.state == DumpEntry.State.COMPLETE)
                    .max(Comparator.comparing(entry -> entry.createdAt));
            table.set("newestDump", newest.map(this::dump).orElse(null));
        }
        return node;
    }
}
