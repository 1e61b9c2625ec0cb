package dev.replicator.dumps.postgres;

import dev.replicator.dumps.TableDefinition;
import dev.replicator.dumps.TableDefinition.Constraint;
import dev.replicator.dumps.TableDefinition.ConstraintKind;
import dev.replicator.dumps.TableDefinition.Index;
import dev.replicator.queue.TableName;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.zip.CRC32;

/** Names of what belongs to a table that does not have its final name yet: they cannot meet those of other tables. */
final class InterimNames {
    private InterimNames() {}

    /** A check constraint's name lives within its table; the others share the schema with tables and indexes. */
    static String of(TableDefinition definition, Constraint constraint, TableName on) {
        return constraint.kind() == ConstraintKind.CHECK || on.equals(definition.name())
                ? constraint.name()
                : of(on, constraint.name(), "key");
    }

    static String of(TableDefinition definition, Index index, TableName on) {
        return on.equals(definition.name()) ? index.name() : of(on, index.name(), "idx");
    }

    /** The same on every call and every machine: a move may happen long after the table was made. */
    static String of(TableName table, String object, String suffix) {
        return "replicator_" + hash(table.toString()) + hash(object) + "_" + suffix;
    }

    private static String hash(String text) {
        CRC32 crc = new CRC32();
        crc.update(text.getBytes(StandardCharsets.UTF_8));
        return String.format(Locale.ROOT, "%08x", crc.getValue());
    }
}
