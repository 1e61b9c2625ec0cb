package dev.replicator.dumps.postgres;

import dev.replicator.dumps.TableDefinition;
import dev.replicator.dumps.TableDefinition.Column;
import dev.replicator.dumps.TableDefinition.Constraint;
import dev.replicator.dumps.TableDefinition.ConstraintKind;
import dev.replicator.dumps.TableDefinition.ExtensionRef;
import dev.replicator.dumps.TableDefinition.GeneratedKind;
import dev.replicator.dumps.TableDefinition.IdentityKind;
import dev.replicator.dumps.TableDefinition.Index;
import dev.replicator.dumps.TableDefinition.TypeDefinition;
import dev.replicator.queue.TableName;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Makes tables in the target from definitions, in the transaction that is open on the connection; commits nothing. The
 * session must be pinned ({@link SessionPins}).
 *
 * <p>While a table does not have its final name its keys, indexes and identity sequences bear names made from it, which
 * cannot meet those of other tables in the same schema; {@link #moveInto} gives them their own.
 */
public final class TableBuilder {
    private static final int VIRTUAL_COLUMNS_SINCE = 18;
    private static final int MOST_NAME_BYTES = 63;
    /** Names the advisory lock of all who create what several tables share: "ReplType" in ASCII. */
    private static final long SHARED_OBJECTS_LOCK = 0x5265706c54797065L;
    /** A worker that vacuums while rows come holds off the indexes and the renaming for a second (deadlock_timeout). */
    private static final String NO_AUTOVACUUM = " WITH (autovacuum_enabled = off, toast.autovacuum_enabled = off)";

    private final Connection connection;

    public TableBuilder(Connection connection) {
        this.connection = connection;
    }

    /** Creates missing extensions, schemas and types; adds missing labels to enums. What exists is left as it is. */
    public void createTypes(TableDefinition definition) throws SQLException {
        if (!definition.extensions().isEmpty() || !definition.types().isEmpty()) {
            lockSharedObjects();
        }
        for (ExtensionRef extension : definition.extensions()) {
            createExtension(extension);
        }
        for (TypeDefinition type : definition.types()) {
            createSchema(type.name().schema());
            switch (type.kind()) {
                case COLLATION -> {
                    if (!exists("pg_collation", "collnamespace", "collname", type.name())) {
                        execute(type.create());
                    }
                }
                case ENUM -> createEnum(type);
                default -> {
                    if (!typeExists(type.name())) {
                        execute(type.create());
                    }
                }
            }
        }
    }

    private void createExtension(ExtensionRef extension) throws SQLException {
        String schema = extensionSchema(extension.name());
        if (schema == null) {
            createSchema(extension.schema());
            String create = "CREATE EXTENSION " + TableName.quote(extension.name()) + " WITH SCHEMA "
                    + TableName.quote(extension.schema());
            try {
                execute(create);
            } catch (SQLException e) {
                throw new TargetMismatchException(
                        "creating extension " + extension.name() + " on the target failed: " + e.getMessage(),
                        "run on the target as a superuser: " + create,
                        e);
            }
        } else if (!schema.equals(extension.schema())) {
            throw new TargetMismatchException(
                    "extension " + extension.name() + " is in schema " + schema + " of the target and in schema "
                            + extension.schema() + " of the master",
                    "run on the target: ALTER EXTENSION " + TableName.quote(extension.name()) + " SET SCHEMA "
                            + TableName.quote(extension.schema()));
        }
    }

    private String extensionSchema(String name) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(
                "SELECT n.nspname FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace WHERE x.extname = ?")) {
            statement.setString(1, name);
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? row.getString(1) : null;
            }
        }
    }

    private void createEnum(TypeDefinition type) throws SQLException {
        if (!typeExists(type.name())) {
            execute(type.create());
            return;
        }
        List<String> present = labels(type.name());
        String previous = null;
        for (String label : type.labels()) {
            if (!present.contains(label)) {
                String place = previous == null
                        ? (present.isEmpty() ? "" : " BEFORE " + TypeStatements.literal(present.get(0)))
                        : " AFTER " + TypeStatements.literal(previous);
                execute("ALTER TYPE " + type.name().quoted() + " ADD VALUE IF NOT EXISTS "
                        + TypeStatements.literal(label) + place);
            }
            previous = label;
        }
    }

    private List<String> labels(TableName type) throws SQLException {
        List<String> labels = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(
                "SELECT enumlabel FROM pg_enum WHERE enumtypid = ?::regtype ORDER BY enumsortorder")) {
            statement.setString(1, type.quoted());
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    labels.add(rows.getString(1));
                }
            }
        }
        return labels;
    }

    /** Creates a schema that is missing; needs no right when it exists. */
    public void createSchema(String schema) throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement("SELECT 1 FROM pg_namespace WHERE nspname = ?")) {
            statement.setString(1, schema);
            try (ResultSet row = statement.executeQuery()) {
                if (row.next()) {
                    return;
                }
            }
        }
        lockSharedObjects();
        execute("CREATE SCHEMA IF NOT EXISTS " + TableName.quote(schema));
    }

    /** Two restores side by side may need the same type: to the end of the transaction only one looks and creates. */
    private void lockSharedObjects() throws SQLException {
        execute("SELECT pg_advisory_xact_lock(" + SHARED_OBJECTS_LOCK + ")");
    }

    /** Whether there is a table or another relation of this name. */
    public boolean exists(TableName table) throws SQLException {
        return exists("pg_class", "relnamespace", "relname", table);
    }

    private boolean typeExists(TableName type) throws SQLException {
        return exists("pg_type", "typnamespace", "typname", type);
    }

    private boolean exists(String catalog, String namespace, String column, TableName name) throws SQLException {
        String sql = "SELECT 1 FROM pg_catalog." + catalog + " o JOIN pg_namespace n ON n.oid = o." + namespace
                + " WHERE n.nspname = ? AND o." + column + " = ?";
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setString(1, name.schema());
            statement.setString(2, name.table());
            try (ResultSet row = statement.executeQuery()) {
                return row.next();
            }
        }
    }

    /**
     * Creates a table without keys, checks and indexes; its schema too when that is missing. Types must exist. An identity
     * column becomes GENERATED BY DEFAULT: an ALWAYS one could not take over an update of the master's. Under a name that is
     * not its own the table is not vacuumed until {@link #allowAutovacuum}.
     *
     * @param as its name for now
     */
    public void createTable(TableDefinition definition, TableName as) throws SQLException {
        createSchema(as.schema());
        List<String> columns = new ArrayList<>();
        for (Column column : definition.columns()) {
            columns.add("  " + column(definition, column, as));
        }
        execute("CREATE TABLE " + as.quoted() + " (\n" + String.join(",\n", columns) + "\n)"
                + (as.equals(definition.name()) ? "" : NO_AUTOVACUUM));
    }

    /** A loaded table that changes are applied to from now on is vacuumed as any other. */
    public void allowAutovacuum(TableName table) throws SQLException {
        execute("ALTER TABLE " + table.quoted() + " RESET (autovacuum_enabled, toast.autovacuum_enabled)");
    }

    private String column(TableDefinition definition, Column column, TableName as) throws SQLException {
        StringBuilder sql =
                new StringBuilder(TableName.quote(column.name())).append(' ').append(column.type());
        if (column.collation() != null) {
            sql.append(" COLLATE ").append(column.collation());
        }
        if (column.generated() != GeneratedKind.NONE) {
            boolean virtual = column.generated() == GeneratedKind.VIRTUAL
                    && connection.getMetaData().getDatabaseMajorVersion() >= VIRTUAL_COLUMNS_SINCE;
            sql.append(" GENERATED ALWAYS AS (")
                    .append(column.generationExpression())
                    .append(virtual ? ") VIRTUAL" : ") STORED");
        } else if (column.identity() != IdentityKind.NONE) {
            sql.append(" GENERATED BY DEFAULT AS IDENTITY");
            if (!as.equals(definition.name())) {
                TableName sequence = new TableName(as.schema(), InterimNames.of(as, column.name(), "seq"));
                sql.append(" (SEQUENCE NAME ").append(sequence.quoted()).append(')');
            }
        } else if (column.defaultExpression() != null) {
            sql.append(" DEFAULT ").append(column.defaultExpression());
        }
        if (column.notNull()) {
            sql.append(" NOT NULL");
        }
        return sql.toString();
    }

    /**
     * Adds primary key, unique, check and exclusion constraints, then statistics. For a loaded table with its indexes
     * ({@link IndexBuild}): a key whose index is there takes it.
     */
    public void addKeys(TableDefinition definition, TableName on) throws SQLException {
        for (Constraint constraint : definition.constraints()) {
            String name = TableName.quote(InterimNames.of(definition, constraint, on));
            Optional<IndexBuild> index = IndexBuild.ofKey(definition, constraint, on);
            String what = index.isPresent() && index.get().isBuilt(connection)
                    ? (constraint.kind() == ConstraintKind.PRIMARY_KEY ? "PRIMARY KEY" : "UNIQUE") + " USING INDEX "
                            + name
                    : constraint.definition();
            execute("ALTER TABLE " + on.quoted() + " ADD CONSTRAINT " + name + " " + what);
        }
        execute("ANALYZE " + on.quoted());
    }

    /**
     * Creates an empty shadow of a table that exists on the target: its own columns with their defaults, generated and
     * identity columns. Indexes and keys follow by {@link IndexBuild} and {@link #addKeys} with the returned definition.
     */
    public TableDefinition createShadowLike(TableName existing, TableName shadow) throws SQLException {
        TableDefinition definition = DefinitionReader.local(connection, existing);
        createTable(definition, shadow);
        return definition;
    }

    /**
     * Moves a table to its final schema and name and gives its keys, indexes and identity sequences the names they have in
     * the definition, or, where such a name is taken, that name with a number.
     *
     * @param from where {@link #createTable} made it
     * @param to a name that is free
     */
    public void moveInto(TableDefinition definition, TableName from, TableName to) throws SQLException {
        createSchema(to.schema());
        TableName current = from;
        if (!from.schema().equals(to.schema())) {
            if (!from.table().equals(to.table())) {
                // Neither name may meet a third table in the other schema.
                current = rename("TABLE", current, InterimNames.of(from, to.toString(), "tbl"));
            }
            execute("ALTER TABLE " + current.quoted() + " SET SCHEMA " + TableName.quote(to.schema()));
            current = new TableName(to.schema(), current.table());
        }
        if (!current.equals(to)) {
            rename("TABLE", current, to.table());
        }
        for (Constraint constraint : definition.constraints()) {
            String interim = InterimNames.of(definition, constraint, from);
            if (!interim.equals(constraint.name())) {
                execute("ALTER TABLE " + to.quoted() + " RENAME CONSTRAINT " + TableName.quote(interim) + " TO "
                        + TableName.quote(freeName(to.schema(), constraint.name())));
            }
        }
        for (Index index : definition.indexes()) {
            String interim = InterimNames.of(definition, index, from);
            if (!interim.equals(index.name())) {
                rename("INDEX", new TableName(to.schema(), interim), freeName(to.schema(), index.name()));
            }
        }
        renameSequences(definition, from, to);
    }

    private void renameSequences(TableDefinition definition, TableName from, TableName to) throws SQLException {
        for (Column column : definition.columns()) {
            TableName interim = new TableName(to.schema(), InterimNames.of(from, column.name(), "seq"));
            if (column.identity() != IdentityKind.NONE && exists(interim)) {
                rename("SEQUENCE", interim, freeName(to.schema(), to.table() + "_" + column.name() + "_seq"));
            }
        }
    }

    /** Removes a table if it is there. */
    public void drop(TableName table) throws SQLException {
        execute("DROP TABLE IF EXISTS " + table.quoted());
    }

    private TableName rename(String kind, TableName from, String to) throws SQLException {
        execute("ALTER " + kind + " " + from.quoted() + " RENAME TO " + TableName.quote(to));
        return new TableName(from.schema(), to);
    }

    private String freeName(String schema, String wanted) throws SQLException {
        String name = truncate(wanted, 0);
        for (int number = 1; exists(new TableName(schema, name)); number++) {
            String suffix = "_" + number;
            name = truncate(wanted, suffix.length()) + suffix;
        }
        return name;
    }

    private static String truncate(String name, int room) {
        String shorter = name;
        while (shorter.getBytes(StandardCharsets.UTF_8).length > MOST_NAME_BYTES - room) {
            shorter = shorter.substring(0, shorter.offsetByCodePoints(shorter.length(), -1));
        }
        return shorter;
    }

    private void execute(String sql) throws SQLException {
        execute(connection, sql);
    }

    static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            // What stands in braces is the server's business, not the driver's.
            statement.setEscapeProcessing(false);
            statement.execute(sql);
        }
    }
}
