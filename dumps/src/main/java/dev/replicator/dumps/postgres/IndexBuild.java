package dev.replicator.dumps.postgres;

import dev.replicator.dumps.TableDefinition;
import dev.replicator.dumps.TableDefinition.Constraint;
import dev.replicator.dumps.TableDefinition.ConstraintKind;
import dev.replicator.dumps.TableDefinition.Index;
import dev.replicator.queue.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An index of a loaded table. Sessions may build several of one table at once ({@code CREATE INDEX} locks out writers only),
 * which a constraint's lock does not let them: that is why plain keys get their indexes here, too, and find them in
 * {@link TableBuilder#addKeys}.
 *
 * @param table what it is an index of
 * @param name its name for now
 * @param statement SQL that creates it
 */
public record IndexBuild(TableName table, String name, String statement) {
    private static final String COLUMN = "(?:[a-z_][a-z0-9_]*|\"(?:[^\"]|\"\")*\")";
    /** As {@code pg_get_constraintdef} writes it; a key that is deferrable, has a period or options remains a constraint's. */
    private static final Pattern PLAIN_KEY =
            Pattern.compile("(PRIMARY KEY|UNIQUE) (\\(" + COLUMN + "(?:, " + COLUMN + ")*\\))");

    /**
     * All that can be built on their own, those of keys behind the others.
     *
     * @param on the table's name for now
     * @throws IllegalStateException the hashes of two of their names are the same
     */
    public static List<IndexBuild> of(TableDefinition definition, TableName on) {
        List<IndexBuild> builds = new ArrayList<>();
        for (Index index : definition.indexes()) {
            builds.add(create(index.unique(), InterimNames.of(definition, index, on), on, index.definition()));
        }
        for (Constraint constraint : definition.constraints()) {
            ofKey(definition, constraint, on).ifPresent(builds::add);
        }
        if (builds.stream().map(IndexBuild::name).distinct().count() < builds.size()) {
            // The second would be taken for the first, and be missing.
            throw new IllegalStateException("two indexes of " + definition.name()
                    + " get the same name while it is built: rename one of them on the master");
        }
        return builds;
    }

    /** That of a plain primary key or unique constraint. */
    static Optional<IndexBuild> ofKey(TableDefinition definition, Constraint constraint, TableName on) {
        Matcher plain = PLAIN_KEY.matcher(constraint.definition());
        boolean isKey = constraint.kind() == ConstraintKind.PRIMARY_KEY || constraint.kind() == ConstraintKind.UNIQUE;
        return isKey && plain.matches()
                ? Optional.of(create(true, InterimNames.of(definition, constraint, on), on, plain.group(2)))
                : Optional.empty();
    }

    private static IndexBuild create(boolean unique, String name, TableName on, String columns) {
        return new IndexBuild(
                on,
                name,
                "CREATE " + (unique ? "UNIQUE " : "") + "INDEX " + TableName.quote(name) + " ON " + on.quoted() + " "
                        + columns);
    }

    /** Builds it unless it is there, in the caller's transaction. Who builds the same one waits for that to end. */
    public void run(Connection connection) throws SQLException {
        TableBuilder.execute(
                connection,
                "SELECT pg_advisory_xact_lock(hashtextextended("
                        + TypeStatements.literal(new TableName(table.schema(), name).toString()) + ", 0))");
        if (!isBuilt(connection)) {
            TableBuilder.execute(connection, statement);
        }
    }

    boolean isBuilt(Connection connection) throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement("SELECT 1 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
                        + " WHERE i.indrelid = ?::regclass AND c.relname = ?")) {
            statement.setString(1, table.quoted());
            statement.setString(2, name);
            try (ResultSet row = statement.executeQuery()) {
                return row.next();
            }
        }
    }
}
