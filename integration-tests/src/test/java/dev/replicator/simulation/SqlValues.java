package dev.replicator.simulation;

/** Values as the statements of the model's database compare them. */
final class SqlValues {
    private SqlValues() {}

    static boolean equal(Object one, Object other) {
        if (one == null || other == null) {
            return false;
        }
        if (one instanceof Number a && other instanceof Number b) {
            return a.longValue() == b.longValue();
        }
        return one.equals(other) || one.toString().equals(other.toString());
    }

    static int compare(Object one, Object other) {
        return Long.compare(((Number) one).longValue(), ((Number) other).longValue());
    }
}
