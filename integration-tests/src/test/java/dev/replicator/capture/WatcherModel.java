package dev.replicator.capture;

import dev.replicator.capture.postgres.Snapshot;
import dev.replicator.capture.postgres.TransactionIds;
import dev.replicator.queue.CatalogFacts;
import dev.replicator.queue.TableName;
import dev.replicator.simulation.Master;
import dev.replicator.simulation.MasterTable;
import dev.replicator.simulation.ModelTables;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Joins, leaves and new incarnations as {@link CatalogWatcher} and {@link JoinedTables} find them, for one session. */
final class WatcherModel {
    private final CaptureModel capture;
    private final Master master;
    private final TableRegistry registry;
    private final Announcements announcements;
    private final TransactionIds ids;
    private final Map<Integer, Integer> prepared = new HashMap<>();
    private boolean first = true;

    WatcherModel(
            CaptureModel capture,
            Master master,
            TableRegistry registry,
            Announcements announcements,
            TransactionIds ids) {
        this.capture = capture;
        this.master = master;
        this.registry = registry;
        this.announcements = announcements;
        this.ids = ids;
    }

    void poll(Snapshot snapshot, boolean compare) throws IOException {
        if (first) {
            registry.forgetWritersFrom(snapshot.xmax());
        }
        List<MasterTable> joining = new ArrayList<>();
        for (MasterTable table : master.tables().values()) {
            keepInStep(table, joining);
        }
        join(joining);
        if (compare) {
            compare();
        }
        clearWriters(snapshot);
        first = false;
    }

    private void keepInStep(MasterTable table, List<MasterTable> joining) throws IOException {
        if (capture.isSelected(ModelTables.name(table))) {
            if (isNew(table)) {
                joining.add(table);
            } else if (first) {
                announce(table);
            }
        } else if (ModelTables.publicationRow(table) != 0) {
            master.unpublish(ModelTables.name(table).table());
            capture.log(() -> "table " + ModelTables.name(table) + " leaves the publication");
            TableFacts facts = registry.find(ModelTables.oid(table)).orElse(null);
            if (facts != null) {
                registry.put(List.of(facts.joined(0, List.of())));
            }
        }
    }

    private boolean isNew(MasterTable table) {
        return registry.find(ModelTables.oid(table))
                .map(facts -> !facts.isPublished() || facts.publicationRel() != ModelTables.publicationRow(table))
                .orElse(true);
    }

    private void announce(MasterTable table) {
        announcements.announce(ModelTables.schema(table).withIncarnation(registry.incarnation(ModelTables.oid(table))));
    }

    private void join(List<MasterTable> joining) throws IOException {
        for (MasterTable table : joining) {
            int oid = ModelTables.oid(table);
            if (!Integer.valueOf(registry.incarnation(oid)).equals(prepared.get(oid))) {
                prepare(table);
                // A mark behind it: once it is drained all before is durable.
                awaitDurable();
            }
        }
        if (!announcements.isEmpty()) {
            return;
        }
        for (MasterTable table : joining) {
            publish(table);
        }
    }

    private void awaitDurable() {
        try {
            announcements.awaitDurable(Duration.ZERO);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private void prepare(MasterTable table) throws IOException {
        TableName name = ModelTables.name(table);
        int oid = ModelTables.oid(table);
        int incarnation = registry.nextIncarnation(oid, name);
        prepared.put(oid, incarnation);
        registry.put(List.of(new TableFacts(
                oid,
                name.schema(),
                name.table(),
                incarnation,
                0,
                ModelTables.fileNode(table),
                ModelTables.attributes(table),
                Map.of(),
                CatalogFacts.NONE,
                List.of())));
        announce(table);
    }

    private void publish(MasterTable table) throws IOException {
        int oid = ModelTables.oid(table);
        String name = ModelTables.name(table).table();
        if (ModelTables.publicationRow(table) == 0) {
            master.publish(name);
        }
        prepared.remove(oid);
        List<Long> writers = master.writers(name).stream()
                .map(xid -> ids.extend((int) (long) xid))
                .sorted()
                .toList();
        registry.published(oid, ModelTables.publicationRow(table), writers);
        capture.log(() ->
                "table " + name + " is captured, incarnation " + registry.incarnation(oid) + ", writers " + writers);
    }

    private void compare() throws IOException {
        for (MasterTable table : master.tables().values()) {
            if (ModelTables.publicationRow(table) == 0 || isNew(table)) {
                continue;
            }
            TableFacts facts = registry.find(ModelTables.oid(table)).orElseThrow();
            StorageWatch.Effect effect =
                    StorageWatch.effect(facts, ModelTables.fileNode(table), ModelTables.attributes(table));
            if (effect == StorageWatch.Effect.NONE) {
                continue;
            }
            TableFacts seen = facts.withStorage(
                    ModelTables.fileNode(table), ModelTables.attributes(table), Map.of(), CatalogFacts.NONE);
            if (effect == StorageWatch.Effect.REWRITTEN) {
                seen = seen.withIncarnation(registry.nextIncarnation(facts.tableId(), facts.name()));
            }
            registry.put(List.of(seen));
            if (effect != StorageWatch.Effect.OTHER_FILE) {
                announce(table);
            }
            capture.log(() -> "sees table " + facts.name() + ": " + effect);
        }
    }

    private void clearWriters(Snapshot snapshot) throws IOException {
        for (TableFacts facts : registry.all()) {
            List<Long> left = facts.writersNotSeenBy(snapshot);
            if (left.size() < facts.writersAtJoin().size()) {
                registry.put(List.of(facts.joined(facts.publicationRel(), left)));
            }
        }
    }
}
