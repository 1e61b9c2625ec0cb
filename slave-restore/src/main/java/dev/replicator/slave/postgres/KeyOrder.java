package dev.replicator.slave.postgres;

import dev.replicator.slave.netting.NetRow;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Rows by the first column of their key where it is a whole number: neighbours in the index, and mostly in the table too, come
 * one after the other, which costs the server less. Other rows stay as they came.
 */
final class KeyOrder {
    private KeyOrder() {}

    /** @param rows rows that were there before the batch */
    static List<NetRow> of(List<NetRow> rows) {
        if (areAll(rows, Integer.class)) {
            return byInt(rows);
        }
        if (areAll(rows, Long.class)) {
            rows.sort(Comparator.comparingLong(row -> (Long) row.origin()[0]));
        }
        return rows;
    }

    private static boolean areAll(List<NetRow> rows, Class<?> type) {
        for (NetRow row : rows) {
            if (!type.isInstance(row.origin()[0])) {
                return false;
            }
        }
        return true;
    }

    /** Key and place in one number each: sorted without a comparator, and rows of one key stay as they came. */
    private static List<NetRow> byInt(List<NetRow> rows) {
        long[] order = new long[rows.size()];
        for (int i = 0; i < order.length; i++) {
            order[i] = (long) (Integer) rows.get(i).origin()[0] << Integer.SIZE | i;
        }
        Arrays.sort(order);
        List<NetRow> sorted = new ArrayList<>(order.length);
        for (long place : order) {
            sorted.add(rows.get((int) place));
        }
        return sorted;
    }
}
