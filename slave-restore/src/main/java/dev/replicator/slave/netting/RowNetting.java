package dev.replicator.slave.netting;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.Unchanged;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Nets the changes of one table by the columns that name a row. A row is followed through changes of its key (rule
 * R04): insert and delete vanish, the last image wins, an unsent value keeps the one known before, and a delete followed
 * by an insert of the same key stays two rows, one deleted and one inserted, unless the caller says that a row may be
 * replaced in place: then it is one update of all columns.
 *
 * <p>Keys are compared as the server's text. Two texts that the database takes for equal are two rows in here; the row
 * counts of the statements tell, and the batch is replayed carefully. Not thread-safe.
 */
public final class RowNetting {
    private static final Object ABSENT = new Object();

    private final int[] key;
    private final boolean replacing;
    private final List<NetRow> rows = new ArrayList<>();
    /**
     * Current key to {@link NetRow}, or {@link #ABSENT} for a key known to have no row now. A row that is not live stands
     * for its absence, too, under the key it had before the batch, if it may come back there.
     */
    private final Map<Object, Object> byKey = new HashMap<>();

    /** @param key indexes of the columns that name a row, at least one */
    public RowNetting(int[] key) {
        this(key, false);
    }

    /**
     * @param key indexes of the columns that name a row, at least one
     * @param replacing whether an update of all columns may stand for a delete and an insert of the same key
     */
    public RowNetting(int[] key, boolean replacing) {
        if (key.length == 0) {
            throw new IllegalArgumentException("no key columns");
        }
        this.key = key.clone();
        this.replacing = replacing;
    }

    /**
     * Adds the next change of the table.
     *
     * @throws NettingException when it contradicts the changes before it, or its key is not known; the netting is then
     *     not usable any more
     */
    public void add(RowChange change) throws NettingException {
        switch (change.kind()) {
            case INSERT -> insert(change.after());
            case UPDATE -> update(change.before(), change.after());
            case DELETE -> delete(change.before());
            case TRUNCATE -> throw new IllegalArgumentException("TRUNCATE cannot be netted");
        }
    }

    /** Every touched row in the order of its first change; rows that came and went are left out. */
    public List<NetRow> rows() {
        return rows.stream().filter(row -> row.live() || row.origin() != null).toList();
    }

    public boolean isEmpty() {
        return rows.isEmpty();
    }

    private void insert(Object[] after) throws NettingException {
        Object id = id(after, ChangeKind.INSERT);
        Object present = byKey.get(id);
        if (isPresent(present)) {
            throw new NettingException("insert of a row whose key is present");
        }
        if (present instanceof NetRow deleted) {
            deleted.replace(after);
            return;
        }
        NetRow row = new NetRow(null, after, true);
        rows.add(row);
        byKey.put(id, row);
    }

    private void update(Object[] before, Object[] after) throws NettingException {
        Object[] old = before == null ? after : before;
        Object oldId = id(old, ChangeKind.UPDATE);
        NetRow row = find(oldId, old, after, ChangeKind.UPDATE);
        Object[] values = row.own();
        for (int i = 0; i < values.length; i++) {
            if (after[i] != Unchanged.UNCHANGED) {
                values[i] = after[i];
            } else if (before != null && before[i] != Unchanged.UNCHANGED) {
                values[i] = before[i];
            }
        }
        Object newId = id(values, ChangeKind.UPDATE);
        if (newId.equals(oldId)) {
            return;
        }
        Object present = byKey.put(newId, row);
        if (isPresent(present)) {
            throw new NettingException("update to a key that is present");
        }
        byKey.put(oldId, ABSENT);
        row.keyChanged(row.origin() != null && !newId.equals(id(row.origin())));
    }

    private void delete(Object[] before) throws NettingException {
        if (before == null) {
            throw new NettingException("delete without an old row");
        }
        Object oldId = id(before, ChangeKind.DELETE);
        NetRow row = find(oldId, before, before, ChangeKind.DELETE);
        row.delete();
        boolean mayReturn = replacing && row.origin() != null && !row.keyChanged();
        byKey.put(oldId, mayReturn ? row : ABSENT);
    }

    private static boolean isPresent(Object entry) {
        return entry instanceof NetRow row && row.live();
    }

    private NetRow find(Object id, Object[] old, Object[] image, ChangeKind kind) throws NettingException {
        Object present = byKey.get(id);
        if (present != null && !isPresent(present)) {
            throw new NettingException(kind + " of a row that is not there any more");
        }
        if (present != null) {
            return (NetRow) present;
        }
        Object[] origin = new Object[key.length];
        for (int i = 0; i < key.length; i++) {
            origin[i] = old[key[i]];
        }
        Object[] values = new Object[image.length];
        Arrays.fill(values, Unchanged.UNCHANGED);
        for (int i = 0; i < key.length; i++) {
            values[key[i]] = origin[i];
        }
        NetRow row = new NetRow(origin, values, false);
        rows.add(row);
        byKey.put(id, row);
        return row;
    }

    private Object id(Object[] image, ChangeKind kind) throws NettingException {
        Object[] values = new Object[key.length];
        for (int i = 0; i < key.length; i++) {
            values[i] = image[key[i]];
            if (values[i] == Unchanged.UNCHANGED) {
                throw new NettingException(kind + " without the value of a key column");
            }
        }
        return id(values);
    }

    private static Object id(Object[] values) {
        if (values.length == 1) {
            return comparable(values[0]);
        }
        Object[] parts = new Object[values.length];
        for (int i = 0; i < parts.length; i++) {
            parts[i] = comparable(values[i]);
        }
        return Arrays.asList(parts);
    }

    private static Object comparable(Object value) {
        if (value == null) {
            return Unchanged.UNCHANGED; // stands for NULL here: an unsent key value was refused before
        }
        return value instanceof byte[] bytes ? ByteBuffer.wrap(bytes) : value;
    }
}
