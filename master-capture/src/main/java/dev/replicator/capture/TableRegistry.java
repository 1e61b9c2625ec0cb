package dev.replicator.capture;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.replicator.queue.CatalogFacts;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The tables capture knows, in a small file beside the spool, so that neither a restart nor a lost index forgets an
 * incarnation. Every change is durable when the call returns. Thread-safe.
 */
final class TableRegistry {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Store store;
    private final Map<Integer, TableFacts> tables = new TreeMap<>();
    /** Highest incarnation a name ever had: a table dropped and made again goes on counting. */
    private final Map<String, Integer> byName = new HashMap<>();

    /** All that is remembered. */
    record Content(
            @JsonProperty("tables") List<TableFacts> tables,
            @JsonProperty("incarnations") Map<String, Integer> incarnations) {}

    /** Where it is remembered. */
    interface Store {
        /** What was saved last; nothing at first. */
        Content load() throws IOException;

        /** Durable when it returns. */
        void save(Content content) throws IOException;
    }

    private TableRegistry(Store store) {
        this.store = store;
    }

    static TableRegistry open(Path file) throws IOException {
        return open(new Store() {
            @Override
            public Content load() throws IOException {
                return Files.exists(file)
                        ? JSON.readValue(Files.readString(file), new TypeReference<Content>() {})
                        : new Content(List.of(), Map.of());
            }

            @Override
            public void save(Content content) throws IOException {
                DurableFile.replace(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(content));
            }
        });
    }

    static TableRegistry open(Store store) throws IOException {
        TableRegistry registry = new TableRegistry(store);
        Content content = store.load();
        content.tables().forEach(facts -> registry.tables.put(facts.tableId(), facts));
        registry.byName.putAll(content.incarnations());
        return registry;
    }

    synchronized Optional<TableFacts> find(int tableId) {
        return Optional.ofNullable(tables.get(tableId));
    }

    synchronized List<TableFacts> all() {
        return List.copyOf(tables.values());
    }

    synchronized Optional<TableFacts> find(TableName name) {
        return tables.values().stream()
                .filter(facts -> facts.isPublished() && facts.name().equals(name))
                .findFirst();
    }

    /** The incarnation in force; 1 for a table never seen. */
    synchronized int incarnation(int tableId) {
        TableFacts facts = tables.get(tableId);
        return facts == null ? 1 : facts.incarnation();
    }

    /**
     * Whether a dump of that incarnation is of use. Of a table that left the publication nobody knows any more who wrote to it
     * before it joined: their rows may be in neither dump nor stream (rule R01).
     */
    synchronized boolean isCaptured(int tableId, int incarnation) {
        TableFacts facts = tables.get(tableId);
        return facts != null && facts.isPublished() && facts.incarnation() == incarnation;
    }

    /** What SCHEMA records of the table say beside the stream's description. */
    synchronized CatalogFacts catalog(int tableId) {
        TableFacts facts = tables.get(tableId);
        return facts == null ? CatalogFacts.NONE : facts.catalog();
    }

    /** The incarnation a table begins when it joins, was renamed, or lost its history in another way. */
    synchronized int nextIncarnation(int tableId, TableName name) {
        int own = tables.containsKey(tableId) ? tables.get(tableId).incarnation() : 0;
        return Math.max(own, byName.getOrDefault(name.toString(), 0)) + 1;
    }

    /**
     * The stream or the catalogue shows a table under a name. Another name than before begins a new incarnation.
     *
     * @return the incarnation in force from here on
     */
    synchronized int observeName(int tableId, TableName name) throws IOException {
        TableFacts facts = tables.get(tableId);
        if (facts == null) {
            return 1;
        }
        if (!facts.name().equals(name)) {
            facts = facts.withName(name).withIncarnation(nextIncarnation(tableId, name));
            put(List.of(facts));
        }
        return facts.incarnation();
    }

    /** Stores facts of tables. */
    synchronized void put(Collection<TableFacts> changed) throws IOException {
        if (changed.isEmpty()) {
            return;
        }
        for (TableFacts facts : changed) {
            tables.put(facts.tableId(), facts);
            byName.merge(facts.name().toString(), facts.incarnation(), Math::max);
        }
        save();
    }

    /** Forgets a table that was dropped; its name keeps its count. */
    synchronized void remove(int tableId) throws IOException {
        if (tables.remove(tableId) != null) {
            save();
        }
    }

    /**
     * Forgets writers that the master has not begun yet: they were those of a history that it forgot, restored from a backup,
     * and a dump would wait for whoever gets their number.
     *
     * @param next the id that the next transaction gets
     */
    synchronized void forgetWritersFrom(long next) throws IOException {
        List<TableFacts> changed = new ArrayList<>();
        for (TableFacts facts : tables.values()) {
            List<Long> begun =
                    facts.writersAtJoin().stream().filter(id -> id < next).toList();
            if (begun.size() < facts.writersAtJoin().size()) {
                changed.add(facts.joined(facts.publicationRel(), begun));
            }
        }
        put(changed);
    }

    /** No table counts as published any more: each has to join again (a new history has begun). */
    synchronized void unpublishAll() throws IOException {
        put(tables.values().stream().map(facts -> facts.joined(0, List.of())).toList());
    }

    /** Takes over incarnations from schemas that a forwarder has kept. */
    synchronized void adopt(Collection<TableSchema> schemas) throws IOException {
        schemas.forEach(schema -> byName.merge(schema.name().toString(), schema.incarnation(), Math::max));
        save();
    }

    /**
     * Learns how far incarnations have gone at the forwarder, and lets tables join anew that have gone further there: this
     * registry is older than what it told, as after its disk was restored from a backup, and would give the same numbers once
     * more to something else.
     *
     * @return names of those tables
     */
    synchronized List<TableName> overtakenBy(Collection<TableSchema> schemas) throws IOException {
        List<TableFacts> behind = new ArrayList<>();
        for (TableSchema schema : schemas) {
            TableFacts facts = tables.get(schema.tableId());
            if (facts != null && facts.incarnation() < schema.incarnation()) {
                behind.add(facts.joined(0, List.of()));
            }
        }
        boolean news = schemas.stream()
                .anyMatch(schema -> byName.getOrDefault(schema.name().toString(), 0) < schema.incarnation());
        if (news) {
            adopt(schemas);
        }
        put(behind);
        return behind.stream().map(TableFacts::name).toList();
    }

    /**
     * A table is published.
     *
     * @return false when it has to join once more, because its incarnation was overtaken meanwhile
     */
    synchronized boolean published(int tableId, long publicationRel, List<Long> writers) throws IOException {
        TableFacts facts = tables.get(tableId);
        if (facts == null
                || facts.incarnation() < byName.getOrDefault(facts.name().toString(), 0)) {
            return false;
        }
        put(List.of(facts.joined(publicationRel, writers)));
        return true;
    }

    private void save() throws IOException {
        store.save(new Content(List.copyOf(tables.values()), new TreeMap<>(byName)));
    }
}
