package dev.replicator.simulation;

import dev.replicator.queue.TableName;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.StateReader;
import dev.replicator.slave.state.StateSchema;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * A slave's database: the product's own statements on schema {@code replicator} run here as they are, and tables of rows
 * beside it. One transaction at a time: every transaction of a lane begins by locking its lane's row, so that others
 * wait for its end.
 *
 * <p>A commit without {@code synchronous_commit} is lost when the server crashes before {@link #flush}.
 */
public final class MemoryDatabase {
    private static final MemoryDatabase EMPTY = withSchema();

    private final Map<String, Relation> relations = new TreeMap<>();
    private final Map<TableName, TableRows> tables = new TreeMap<>();
    private long laneNumber;
    private long insertLsn = 100;
    private long flushLsn = 100;

    private final List<Runnable> undo = new ArrayList<>();
    private final List<Runnable> unflushed = new ArrayList<>();
    private final Set<Object> saved = new HashSet<>();
    private boolean waitsForDisk;
    private boolean hasId;
    private long version;
    private long stateVersion = -1;
    private SlaveState state;

    /** A statement failed as a real server would let it fail. */
    static final class Violation extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final String sqlState;

        Violation(String sqlState, String message) {
            super(message);
            this.sqlState = sqlState;
        }

        SQLException asSql() {
            return new SQLException(getMessage(), sqlState, this);
        }
    }

    private static MemoryDatabase withSchema() {
        MemoryDatabase database = new MemoryDatabase();
        try {
            StateSchema.ensure(database.connect(), "c", "s");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        return database;
    }

    /** A database in which the slave has made its schema, and nothing else. */
    public static MemoryDatabase empty() {
        return EMPTY.copy();
    }

    /** The durable and committed content: a backup. */
    public MemoryDatabase copy() {
        MemoryDatabase copy = new MemoryDatabase();
        relations.forEach((name, relation) -> copy.relations.put(name, relation.copy()));
        copy.tables.putAll(tables);
        copy.laneNumber = laneNumber;
        copy.insertLsn = insertLsn;
        copy.flushLsn = insertLsn;
        return copy;
    }

    public Connection connect() {
        return MemoryConnection.open(this);
    }

    /** Grows with every change, whoever makes it. */
    long version() {
        return version;
    }

    /** The slave's state between transactions, read once for each version. */
    public SlaveState state() {
        if (stateVersion != version) {
            try {
                state = StateReader.read(connect());
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
            stateVersion = version;
        }
        return state;
    }

    // Rows of tables.

    /** Null when there is no such table. */
    public TableRows table(TableName name) {
        return tables.get(name);
    }

    public Map<TableName, TableRows> tables() {
        return tables;
    }

    /** Replaces a table's rows, or removes the table. */
    public void put(TableName name, TableRows rows) {
        TableRows before = tables.get(name);
        undo.add(() -> set(name, before));
        set(name, rows);
    }

    private void set(TableName name, TableRows rows) {
        version++;
        if (rows == null) {
            tables.remove(name);
        } else {
            tables.put(name, rows);
        }
    }

    // Transactions.

    void waitForDisk() {
        waitsForDisk = true;
    }

    void commit() {
        if (!undo.isEmpty()) {
            insertLsn += 10;
        }
        unflushed.addAll(undo);
        if (waitsForDisk && (!undo.isEmpty() || hasId)) {
            flush();
        }
        endTransaction();
    }

    void rollback() {
        for (int i = undo.size() - 1; i >= 0; i--) {
            undo.get(i).run();
        }
        endTransaction();
    }

    private void endTransaction() {
        undo.clear();
        saved.clear();
        waitsForDisk = false;
        hasId = false;
    }

    /** What was committed is on disk. */
    public void flush() {
        unflushed.clear();
        flushLsn = insertLsn;
    }

    /** The server dies; what was not flushed is gone. */
    public void crash() {
        rollback();
        for (int i = unflushed.size() - 1; i >= 0; i--) {
            unflushed.get(i).run();
        }
        unflushed.clear();
        insertLsn += 1000;
        flushLsn = insertLsn;
    }

    public boolean hasUnflushed() {
        return !unflushed.isEmpty();
    }

    // For statements.

    Relation relation(String name) {
        Relation relation = relations.get(name);
        if (relation == null) {
            throw new IllegalStateException("no relation " + name);
        }
        return relation;
    }

    boolean has(String name) {
        return relations.containsKey(name);
    }

    void create(Relation relation) {
        relations.putIfAbsent(relation.name, relation);
    }

    List<Object[]> writable(Relation relation) {
        if (saved.add(relation)) {
            List<Object[]> before = relation.rows;
            undo.add(() -> replace(relation, before));
            replace(relation, new ArrayList<>(before));
        }
        return relation.rows;
    }

    private void replace(Relation relation, List<Object[]> rows) {
        version++;
        relation.rows = rows;
    }

    /** Rows that name a deleted one go with it. */
    void cascade(Relation parent, Object[] row) {
        if (!parent.name.equals("replicator.table_state") && !parent.name.equals("replicator.restore")) {
            return;
        }
        String child = parent.name.equals("replicator.restore") ? "replicator.restore_chunk" : "replicator.restore";
        Relation referencing = relation(child);
        Object key = row[parent.index("table_name")];
        int column = referencing.index("table_name");
        for (Object[] other : List.copyOf(referencing.rows)) {
            if (SqlValues.equal(other[column], key)) {
                writable(referencing).remove(other);
                cascade(referencing, other);
            }
        }
    }

    Object function(String name, Object argument) {
        return switch (name) {
            case "now" -> 0L;
            case "nextval" -> ++laneNumber;
            case "pg_current_wal_insert_lsn" -> lsn(insertLsn);
            case "pg_current_wal_flush_lsn" -> lsn(flushLsn);
            case "pg_current_xact_id" -> {
                hasId = true;
                yield 1L;
            }
            case "to_regclass" -> has(String.valueOf(argument)) ? argument : null;
            case "extract" -> 0L;
            case "hashtextextended", "pg_advisory_xact_lock" -> null;
            default -> throw new IllegalStateException("no function " + name);
        };
    }

    private static String lsn(long value) {
        return dev.replicator.queue.Lsn.format(value);
    }

    @Override
    public String toString() {
        Map<String, Object> text = new HashMap<>(tables.size());
        tables.forEach((name, rows) -> text.put(name.toString(), rows));
        return text.toString();
    }
}
