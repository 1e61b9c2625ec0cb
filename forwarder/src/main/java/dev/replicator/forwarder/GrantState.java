package dev.replicator.forwarder;

import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.TableSelection;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a slave is granted at one place of the stream (rule R24): its table set and the names in the SCHEMA records in
 * force there. Moves along with the stream: a table set and a SCHEMA record each change it at their own place.
 *
 * <p>One per lane stream; used by one thread.
 */
final class GrantState {
    private final Map<Integer, TableSchema> inForce = new HashMap<>();
    private final Map<TableName, Integer> idByName = new HashMap<>();
    private final Set<Integer> granted = new HashSet<>();
    private TableSelection selection;
    /** Granted besides, before the stream comes to the place of its grant; null when nothing is. */
    private TableSelection ahead;

    /**
     * @param selection the table set in force
     * @param schemas the schema in force of every table
     */
    GrantState(TableSelection selection, Collection<TableSchema> schemas) {
        this(selection, null, schemas);
    }

    /**
     * @param ahead granted besides until another set comes into force; null for nothing
     */
    GrantState(TableSelection selection, TableSelection ahead, Collection<TableSchema> schemas) {
        this.selection = selection;
        this.ahead = ahead;
        // Two ids may bear one name when a table was dropped and made anew: the later incarnation has it.
        schemas.stream()
                .sorted(Comparator.comparingInt(TableSchema::incarnation).thenComparingInt(TableSchema::tableId))
                .forEach(this::schema);
    }

    /**
     * A SCHEMA record passes.
     *
     * @return true when the granted tables or one of their incarnations changed
     */
    boolean schema(TableSchema schema) {
        TableSchema before = inForce.get(schema.tableId());
        if (before != null && before.incarnation() > schema.incarnation()) {
            return false;
        }
        boolean changed = false;
        Integer former = idByName.put(schema.name(), schema.tableId());
        if (former != null && former != schema.tableId()) {
            inForce.remove(former);
            changed = granted.remove(former);
        }
        if (before != null && !before.name().equals(schema.name())) {
            idByName.remove(before.name(), schema.tableId());
        }
        inForce.put(schema.tableId(), schema);
        boolean grantedNow = isGranted(schema.name());
        boolean grantedBefore = grantedNow ? !granted.add(schema.tableId()) : granted.remove(schema.tableId());
        if (grantedNow != grantedBefore) {
            return true;
        }
        return changed
                || grantedNow
                        && (before == null
                                || before.incarnation() != schema.incarnation()
                                || !before.name().equals(schema.name()));
    }

    /** The slave's table set changes; what is granted besides stays or goes. */
    void selection(TableSelection newSelection, boolean keepAhead) {
        selection = newSelection;
        ahead = keepAhead ? ahead : null;
        granted.clear();
        for (TableSchema schema : inForce.values()) {
            if (isGranted(schema.name())) {
                granted.add(schema.tableId());
            }
        }
    }

    private boolean isGranted(TableName table) {
        return selection.contains(table) || ahead != null && ahead.contains(table);
    }

    TableSelection selection() {
        return selection;
    }

    boolean grants(int tableId) {
        return granted.contains(tableId);
    }

    /** Ids of granted tables that bear one of the names. */
    Set<Integer> granted(Set<TableName> names) {
        Set<Integer> ids = new HashSet<>();
        for (int id : granted) {
            if (names.contains(inForce.get(id).name())) {
                ids.add(id);
            }
        }
        return ids;
    }

    /** The granted tables' schemas, by name. */
    List<TableSchema> tables() {
        return granted.stream()
                .map(inForce::get)
                .sorted(Comparator.comparing(TableSchema::name))
                .toList();
    }

    /** The granted table of that name. */
    Optional<TableSchema> table(TableName name) {
        Integer id = idByName.get(name);
        return id != null && granted.contains(id) ? Optional.of(inForce.get(id)) : Optional.empty();
    }
}
