package dev.replicator.capture.postgres;

import dev.replicator.queue.TableName;
import dev.replicator.queue.ValueEncoding;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/** Type names and encodings, from what the stream says alone (rule R06). */
final class StreamSchemas {
    private static final Pattern PLAIN_NAME = Pattern.compile("[a-z_][a-z0-9_$]*");

    private final Map<Integer, String> declared = new HashMap<>();

    /** A Type message: the name of a type that is not built in. An empty schema stands for pg_catalog. */
    void type(int oid, String schema, String name) {
        declared.put(oid, declaredName(schema, name));
    }

    /** Name of a column's type. */
    String typeName(int oid, int modifier) {
        String builtin = BuiltinTypes.format(oid, modifier);
        if (builtin != null) {
            return builtin;
        }
        String name = declared.get(oid);
        return name == null ? String.format(Locale.ROOT, "oid %d", Integer.toUnsignedLong(oid)) : name;
    }

    /** How values of a type stand in a block. A domain has its own oid and keeps the server's text. */
    static ValueEncoding encoding(int typeOid) {
        return switch (typeOid) {
            case 16 -> ValueEncoding.BOOLEAN;
            case 21, 23 -> ValueEncoding.INT;
            case 20 -> ValueEncoding.LONG;
            case 17 -> ValueEncoding.BYTES;
            default -> ValueEncoding.TEXT;
        };
    }

    /** A type's qualified name as a Type message gives it. */
    static String declaredName(String schema, String name) {
        String quoted = quoteIfNeeded(name);
        return schema.isEmpty() ? quoted : quoteIfNeeded(schema) + "." + quoted;
    }

    private static String quoteIfNeeded(String name) {
        return PLAIN_NAME.matcher(name).matches() ? name : TableName.quote(name);
    }
}
