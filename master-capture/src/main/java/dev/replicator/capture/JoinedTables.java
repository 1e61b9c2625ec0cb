package dev.replicator.capture;

import dev.replicator.capture.postgres.Catalog;
import dev.replicator.capture.postgres.CatalogTable;
import dev.replicator.capture.postgres.Publication;
import dev.replicator.capture.postgres.TransactionIds;
import dev.replicator.queue.CatalogFacts;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.runtime.Steps;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets tables join and leave the publication, and begins new incarnations. Used by the catalogue watcher.
 *
 * <p>Order of joining: the new incarnation is stored and announced in the stream first, then the table is published, then
 * it is noted who may have written to it before (rule R01). Dying in between, the table joins once more.
 */
final class JoinedTables {
    private static final Logger LOG = LoggerFactory.getLogger(JoinedTables.class);
    private static final Duration ANNOUNCE_WAIT = Duration.ofSeconds(10);

    private final TableRegistry registry;
    private final Publication publication;
    private final Announcements announcements;
    private final TransactionIds ids;
    private final Map<Integer, String> errors = new HashMap<>();
    private final Map<Integer, Integer> prepared = new HashMap<>();

    JoinedTables(TableRegistry registry, Publication publication, Announcements announcements, TransactionIds ids) {
        this.registry = registry;
        this.publication = publication;
        this.announcements = announcements;
        this.ids = ids;
    }

    /** Why the last attempt to let a table join failed; empty when it did not. */
    String error(int tableId) {
        return errors.getOrDefault(tableId, "");
    }

    /** Publishes tables, one statement for each. */
    void join(Connection sql, List<CatalogTable> tables) throws SQLException, IOException, InterruptedException {
        prepare(sql, tables);
        if (!announcements.awaitDurable(ANNOUNCE_WAIT)) {
            LOG.info("{} tables wait to be published until the spool takes records again", tables.size());
            return;
        }
        for (CatalogTable table : tables) {
            publish(sql, table);
        }
    }

    /** Takes a table out, at once. */
    void leave(Connection sql, CatalogTable table, String why) throws SQLException, IOException {
        try {
            publication.remove(sql, table.name());
        } catch (SQLException e) {
            errors.put(table.oid(), "cannot be taken out of publication " + publication.name() + ": " + e.getMessage());
            LOG.error(
                    "Table {} must leave publication {} ({}) but cannot: {}",
                    table.name(),
                    publication.name(),
                    why,
                    e.getMessage());
            return;
        }
        LOG.atWarn().addKeyValue("table", table.name()).log("Table is no longer captured: {}", why);
        Optional<TableFacts> facts = registry.find(table.oid());
        if (facts.isPresent()) {
            registry.put(List.of(facts.get().joined(0, List.of())));
        }
    }

    /**
     * Begins a new incarnation of a table that stays published (rule R08).
     *
     * @param facts what was seen of it, not stored yet: stored before, a crash would forget the incarnation
     */
    void beginIncarnation(Connection sql, TableFacts facts, String why) throws SQLException, IOException {
        Steps.reached("capture.incarnation-due");
        TableFacts next = facts.withIncarnation(registry.nextIncarnation(facts.tableId(), facts.name()));
        registry.put(List.of(next));
        LOG.atWarn()
                .addKeyValue("table", facts.name())
                .addKeyValue("incarnation", next.incarnation())
                .log("Every copy of the table needs a new dump: {}", why);
        announce(sql, facts.tableId());
    }

    /** Announces a table as the catalogue describes it, in the incarnation in force. */
    void announce(Connection sql, int tableId) throws SQLException {
        Optional<TableSchema> schema = Catalog.describeTable(sql, tableId, registry.incarnation(tableId));
        schema.map(known -> known.withCatalog(registry.catalog(tableId))).ifPresent(announcements::announce);
    }

    private void prepare(Connection sql, List<CatalogTable> tables) throws SQLException, IOException {
        List<CatalogTable> fresh = tables.stream()
                .filter(table ->
                        !Integer.valueOf(registry.incarnation(table.oid())).equals(prepared.get(table.oid())))
                .toList();
        List<Integer> oids = fresh.stream().map(CatalogTable::oid).toList();
        Map<Integer, String> attributes = Catalog.attributes(sql, oids);
        Map<Integer, CatalogFacts> catalog = Catalog.facts(sql, oids);
        List<TableFacts> facts = new ArrayList<>();
        for (CatalogTable table : fresh) {
            int incarnation = registry.nextIncarnation(table.oid(), table.name());
            TableName name = table.name();
            facts.add(new TableFacts(
                    table.oid(),
                    name.schema(),
                    name.table(),
                    incarnation,
                    0,
                    table.fileNode(),
                    attributes.getOrDefault(table.oid(), ""),
                    fileNodes(table),
                    catalog.getOrDefault(table.oid(), CatalogFacts.NONE),
                    List.of()));
            prepared.put(table.oid(), incarnation);
        }
        registry.put(facts);
        for (TableFacts table : facts) {
            announce(sql, table.tableId());
        }
    }

    private void publish(Connection sql, CatalogTable table) throws SQLException, IOException {
        if (!table.published()) {
            try {
                publication.add(sql, table.name());
            } catch (SQLException e) {
                errors.put(table.oid(), "cannot be published: " + e.getMessage() + fix(e, table));
                LOG.warn("Table {} cannot be published: {}", table.name(), e.getMessage());
                return;
            }
        }
        errors.remove(table.oid());
        prepared.remove(table.oid());
        // First: if somebody takes the table out and puts it back from here on, the row is another one and it joins
        // again.
        long row = publication.rowOf(sql, table.oid());
        List<Integer> relations = Stream.concat(
                        Stream.of(table.oid()), table.leaves().stream().map(CatalogTable.Leaf::oid))
                .toList();
        List<Long> writers = Catalog.writers(sql, relations).stream()
                .map(ids::extend)
                .sorted()
                .toList();
        if (registry.published(table.oid(), row, writers)) {
            LOG.atInfo()
                    .addKeyValue("table", table.name())
                    .addKeyValue("incarnation", registry.incarnation(table.oid()))
                    .log("Table is captured");
        }
    }

    private static String fix(SQLException e, CatalogTable table) {
        if (!"42501".equals(e.getSQLState())) {
            return "";
        }
        return ". Only the owner of a table may publish it: GRANT its owner's role to capture's role, or ALTER TABLE "
                + table.name().quoted() + " OWNER TO a role that capture's role is a member of";
    }

    static Map<Integer, Long> fileNodes(CatalogTable table) {
        return table.leaves().stream().collect(Collectors.toMap(CatalogTable.Leaf::oid, CatalogTable.Leaf::fileNode));
    }

    /** Forgets what went wrong with tables that are not there any more. */
    void retain(Collection<Integer> tableIds) {
        errors.keySet().retainAll(tableIds);
        prepared.keySet().retainAll(tableIds);
    }
}
