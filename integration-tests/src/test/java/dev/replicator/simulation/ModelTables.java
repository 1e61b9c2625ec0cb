package dev.replicator.simulation;

import dev.replicator.dumps.TableDefinition;
import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.Unchanged;
import dev.replicator.queue.format.ChangeEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Tables of the model in the product's terms. */
public final class ModelTables {
    private static final Map<TableName, TableDefinition> DEFINITIONS = new ConcurrentHashMap<>();

    private ModelTables() {}

    public static TableName name(MasterTable table) {
        return table.name;
    }

    public static int oid(MasterTable table) {
        return table.oid;
    }

    public static long fileNode(MasterTable table) {
        return table.fileNode;
    }

    public static long fileNode(Master master, TableName table) {
        return master.table(table.table()).fileNode;
    }

    public static String attributes(MasterTable table) {
        return String.valueOf(table.attributes);
    }

    public static long publicationRow(MasterTable table) {
        return table.publicationRow;
    }

    public static TableSchema schema(MasterTable table) {
        return table.schema();
    }

    public static TableDefinition definition(TableName table) {
        return DEFINITIONS.computeIfAbsent(table, name -> {
            List<TableDefinition.Column> columns = new ArrayList<>();
            for (String column : List.of("id", "v", "big")) {
                columns.add(new TableDefinition.Column(
                        column,
                        "text",
                        null,
                        false,
                        null,
                        null,
                        TableDefinition.IdentityKind.NONE,
                        TableDefinition.GeneratedKind.NONE,
                        null));
            }
            return new TableDefinition(name, List.of(), List.of(), columns, List.of(), List.of(), List.of());
        });
    }

    /** As pgoutput sends it: the old image only with full identity or when the key changes. */
    public static RowChange rowChange(MasterTable table, WalEntry.Change change) {
        Object[] after = change.id() == null
                ? null
                : new Object[] {
                    change.id(),
                    MasterTable.first(change.rest()),
                    change.bigUnchanged() ? Unchanged.UNCHANGED : MasterTable.last(change.rest())
                };
        Object[] before = null;
        if (change.oldId() != null && !table.keyed) {
            before = new Object[] {
                change.oldId(), MasterTable.first(change.oldRest()), MasterTable.last(change.oldRest())
            };
        } else if (change.oldId() != null && !change.oldId().equals(change.id())) {
            before = new Object[] {change.oldId(), Unchanged.UNCHANGED, Unchanged.UNCHANGED};
        }
        return new RowChange(change.kind(), before, after);
    }

    /** Writes a change's images behind its kind. */
    public static void encodeImages(ChangeEncoder encoder, RowChange change, boolean truncate) {
        image(encoder, truncate ? null : change.before());
        image(encoder, truncate ? null : change.after());
    }

    private static void image(ChangeEncoder encoder, Object[] image) {
        if (image == null) {
            encoder.noImage();
            return;
        }
        encoder.image();
        for (Object value : image) {
            if (value == Unchanged.UNCHANGED) {
                encoder.unchanged();
            } else {
                byte[] text = ((String) value).getBytes(StandardCharsets.UTF_8);
                encoder.bytesValue(text, 0, text.length);
            }
        }
    }

    static boolean isRowChange(ChangeKind kind) {
        return kind != ChangeKind.TRUNCATE;
    }
}
