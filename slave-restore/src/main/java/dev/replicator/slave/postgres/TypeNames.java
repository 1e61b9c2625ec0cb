package dev.replicator.slave.postgres;

import dev.replicator.queue.ColumnSchema;

/** Writes a stream column's type as SQL, for hints. */
final class TypeNames {
    private static final int HEADER = 4; // VARHDRSZ is part of the modifier of character and numeric types
    private static final int INTERVAL_FULL_PRECISION = 0xFFFF;

    private TypeNames() {}

    /** For example {@code varchar(20)}, {@code numeric(10,2)[]}, {@code int8}. */
    static String sql(ColumnSchema column) {
        String name = column.typeName();
        boolean array = name.startsWith("_");
        String element = array ? name.substring(1) : name;
        return element + modifier(element, column.typeModifier()) + (array ? "[]" : "");
    }

    private static String modifier(String type, int modifier) {
        if (modifier < 0) {
            return "";
        }
        return switch (type) {
            case "varchar", "bpchar" -> "(" + (modifier - HEADER) + ")";
            case "numeric" -> "(" + ((modifier - HEADER) >> 16 & 0xFFFF) + "," + signedScale(modifier - HEADER) + ")";
            case "bit", "varbit", "time", "timetz", "timestamp", "timestamptz" -> "(" + modifier + ")";
            case "interval" -> (modifier & INTERVAL_FULL_PRECISION) == INTERVAL_FULL_PRECISION
                    ? ""
                    : "(" + (modifier & INTERVAL_FULL_PRECISION) + ")";
            default -> "";
        };
    }

    private static int signedScale(int modifier) {
        return ((modifier & 0x7FF) ^ 1024) - 1024; // 11 bits, two's complement (numeric.c)
    }
}
