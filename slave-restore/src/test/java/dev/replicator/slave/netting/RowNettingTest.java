package dev.replicator.slave.netting;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.Unchanged;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Netting against a model: a table held in a map. */
class RowNettingTest {
    private static final Unchanged U = Unchanged.UNCHANGED;

    @Test
    void shouldEqualOneByOneOverRandomHistories() throws NettingException {
        long seed = Long.getLong("test.seed", System.nanoTime());
        for (int round = 0; round < 3000; round++) {
            Random random = new Random(seed + round);
            Map<List<Object>, List<Object>> start = randomTable(random);
            Map<List<Object>, List<Object>> master = new HashMap<>(start);
            List<RowChange> history = randomHistory(master, random, random.nextBoolean());

            RowNetting netting = new RowNetting(new int[] {0, 1}, random.nextBoolean());
            for (RowChange change : history) {
                netting.add(change);
            }
            Map<List<Object>, List<Object>> slave = new HashMap<>(start);
            apply(netting.rows(), slave);

            assertEquals(master, slave, "test.seed=" + seed + " round " + round);
        }
    }

    @Test
    void shouldLetInsertAndDeleteVanish() throws NettingException {
        assertTrue(net(insert(1, "a"), update(1, "b"), delete(1)).isEmpty());
    }

    @Test
    void shouldKeepDeleteThenInsertAsTwoRows() throws NettingException {
        List<NetRow> rows = net(delete(1), insert(1, "a"));
        assertEquals(2, rows.size());
        assertNull(rows.get(0).values());
        assertNull(rows.get(1).origin());
        assertEquals("a", rows.get(1).values()[1]);
    }

    @Test
    void shouldFollowRowThroughKeyChanges() throws NettingException {
        List<NetRow> rows = net(move(1, 2, U), move(2, 3, "x"), move(3, 4, U));
        assertEquals(1, rows.size());
        assertEquals(1, rows.get(0).origin()[0]);
        assertEquals(4, rows.get(0).values()[0]);
        assertEquals("x", rows.get(0).values()[1]);
        assertTrue(rows.get(0).keyChanged());
    }

    @Test
    void shouldForgetKeyChangeThatCameBack() throws NettingException {
        List<NetRow> rows = net(move(1, 2, U), move(2, 1, "x"));
        assertEquals(1, rows.size());
        assertTrue(!rows.get(0).keyChanged());
    }

    @Test
    void shouldDeleteUnderTheKeyBeforeTheBatch() throws NettingException {
        List<NetRow> rows = net(move(1, 2, "x"), delete(2), insert(2, "new"));
        assertEquals(1, rows.get(0).origin()[0]);
        assertTrue(!rows.get(0).live());
        assertNull(rows.get(1).origin());
    }

    @Test
    void shouldKeepEarlierValueWhenUnsent() throws NettingException {
        assertEquals("x", net(update(1, "x"), update(1, U)).get(0).values()[1]);
        assertSame(U, net(update(1, U)).get(0).values()[1]);
    }

    @Test
    void shouldTakeUnsentValueFromFullOldImage() throws NettingException {
        RowChange change = new RowChange(ChangeKind.UPDATE, new Object[] {1, "old"}, new Object[] {1, U});
        assertEquals("old", net(change).get(0).values()[1]);
    }

    @Test
    void shouldTakeUnsentKeyFromOldImage() throws NettingException {
        RowChange change = new RowChange(ChangeKind.UPDATE, new Object[] {1, U}, new Object[] {U, "x"});
        assertEquals(1, net(change).get(0).values()[0]);
    }

    @Test
    void shouldLeaveImagesOfOthersUntouched() throws NettingException {
        RowChange insert = insert(1, "a");
        net(insert, update(1, "b"));
        assertEquals("a", insert.after()[1]);
    }

    @Test
    void shouldTakeByteArraysAsKeysByContent() throws NettingException {
        RowNetting netting = new RowNetting(new int[] {0});
        netting.add(new RowChange(ChangeKind.INSERT, null, new Object[] {new byte[] {1, 2}, "a"}));
        netting.add(new RowChange(ChangeKind.DELETE, new Object[] {new byte[] {1, 2}, U}, null));
        assertTrue(netting.rows().isEmpty());
    }

    @Test
    void shouldMakeOneUpdateOfDeleteAndInsertWhereARowMayBeReplaced() throws NettingException {
        RowNetting netting = new RowNetting(new int[] {0}, true);
        netting.add(update(1, "a"));
        netting.add(delete(1));
        netting.add(insert(1, "b"));
        netting.add(delete(2));
        netting.add(insert(2, "c"));
        netting.add(delete(2));
        netting.add(move(3, 2, "d"));
        netting.add(insert(3, "e"));
        List<NetRow> rows = netting.rows();
        assertEquals(4, rows.size());
        assertTrue(rows.get(0).live() && !rows.get(0).keyChanged());
        assertEquals("b", rows.get(0).values()[1]);
        assertTrue(!rows.get(1).live());
        assertTrue(rows.get(2).live() && rows.get(2).keyChanged());
        assertEquals(null, rows.get(3).origin());
    }

    @Test
    void shouldRefuseContradictionsWhereARowMayBeReplacedToo() throws NettingException {
        RowNetting netting = new RowNetting(new int[] {0}, true);
        netting.add(delete(1));
        assertThrows(NettingException.class, () -> netting.add(update(1, "a")));
        netting.add(insert(1, "b"));
        assertThrows(NettingException.class, () -> netting.add(insert(1, "c")));
    }

    @Test
    void shouldRefuseHistoriesThatContradictThemselves() {
        refused(insert(1, "a"), insert(1, "b"));
        refused(delete(1), update(1, "a"));
        refused(delete(1), delete(1));
        refused(update(1, "a"), insert(1, "b"));
        refused(insert(2, "a"), move(1, 2, "b"));
        refused(move(1, 2, "a"), update(1, "b"));
        refused(new RowChange(ChangeKind.UPDATE, null, new Object[] {U, "x"}));
        refused(new RowChange(ChangeKind.DELETE, null, null));
    }

    private static void refused(RowChange... changes) {
        assertNotNull(assertThrows(NettingException.class, () -> net(changes)).getMessage());
    }

    private static List<NetRow> net(RowChange... changes) throws NettingException {
        RowNetting netting = new RowNetting(new int[] {0});
        for (RowChange change : changes) {
            netting.add(change);
        }
        return netting.rows();
    }

    private static RowChange insert(Object key, Object value) {
        return new RowChange(ChangeKind.INSERT, null, new Object[] {key, value});
    }

    private static RowChange update(Object key, Object value) {
        return new RowChange(ChangeKind.UPDATE, null, new Object[] {key, value});
    }

    private static RowChange move(Object from, Object to, Object value) {
        return new RowChange(ChangeKind.UPDATE, new Object[] {from, U}, new Object[] {to, value});
    }

    private static RowChange delete(Object key) {
        return new RowChange(ChangeKind.DELETE, new Object[] {key, U}, null);
    }

    private static void apply(List<NetRow> rows, Map<List<Object>, List<Object>> table) {
        Map<NetRow, List<Object>> old = new HashMap<>();
        for (NetRow row : rows) {
            if (row.origin() != null && (!row.live() || row.keyChanged())) {
                old.put(row, table.remove(Arrays.asList(row.origin())));
                assertNotNull(old.get(row), "the row to delete must be there");
            }
        }
        for (NetRow row : rows) {
            if (row.live()) {
                List<Object> key = Arrays.asList(row.values()[0], row.values()[1]);
                List<Object> before = old.containsKey(row) ? old.get(row) : table.get(key);
                assertEquals(row.origin() == null, before == null, "inserts meet no row, updates meet one");
                List<Object> image = new ArrayList<>(Arrays.asList(row.values()));
                for (int i = 0; i < image.size(); i++) {
                    if (image.get(i) == U) {
                        image.set(i, before.get(i));
                    }
                }
                table.put(key, image);
            }
        }
    }

    private static Map<List<Object>, List<Object>> randomTable(Random random) {
        Map<List<Object>, List<Object>> table = new HashMap<>();
        for (int i = 0; i < 6; i++) {
            List<Object> key = randomKey(random);
            table.put(key, List.of(key.get(0), key.get(1), "s" + i, "t" + i));
        }
        return table;
    }

    private static List<RowChange> randomHistory(Map<List<Object>, List<Object>> table, Random random, boolean full) {
        List<RowChange> history = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            List<Object> key = randomKey(random);
            List<Object> row = table.get(key);
            if (row == null) {
                Object[] image = {key.get(0), key.get(1), "i" + i, random.nextBoolean() ? null : "j" + i};
                table.put(key, Arrays.asList(image));
                history.add(new RowChange(ChangeKind.INSERT, null, image));
            } else if (random.nextInt(3) == 0) {
                table.remove(key);
                history.add(new RowChange(ChangeKind.DELETE, old(row, full), null));
            } else {
                List<Object> newKey = random.nextInt(3) == 0 ? randomKey(random) : key;
                if (table.containsKey(newKey)) {
                    newKey = key;
                }
                history.add(randomUpdate(table, row, newKey, random, full));
            }
        }
        return history;
    }

    private static RowChange randomUpdate(
            Map<List<Object>, List<Object>> table, List<Object> row, List<Object> newKey, Random random, boolean full) {
        List<Object> key = row.subList(0, 2);
        Object[] image = {newKey.get(0), newKey.get(1), row.get(2), row.get(3)};
        Object[] sent = image.clone();
        for (int i = 2; i < image.length; i++) {
            if (random.nextBoolean()) {
                sent[i] = U;
            } else {
                image[i] = "u" + random.nextInt(1000);
                sent[i] = image[i];
            }
        }
        table.remove(key);
        table.put(newKey, Arrays.asList(image));
        return new RowChange(ChangeKind.UPDATE, full || !newKey.equals(key) ? old(row, full) : null, sent);
    }

    private static Object[] old(List<Object> row, boolean full) {
        return full ? row.toArray() : new Object[] {row.get(0), row.get(1), U, U};
    }

    private static List<Object> randomKey(Random random) {
        return List.of(random.nextInt(4), "k" + random.nextInt(2));
    }
}
