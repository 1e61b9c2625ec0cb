package dev.replicator.dumps.postgres;

import dev.replicator.queue.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A table and its leaves as one transaction sees them in the catalogue. Two views that differ mean that rows read under
 * the older one's snapshot may be missing or changed (rule R03).
 *
 * @param relations by oid; the table itself first. Plain inheritance children are tables of their own
 */
record CatalogView(Map<Long, Relation> relations) {
    private static final String SQL =
            """
            WITH RECURSIVE tree(oid, level) AS (
              SELECT c.oid, 0 FROM pg_class c WHERE c.oid = ?::bigint::oid
              UNION ALL
              SELECT i.inhrelid, tree.level + 1 FROM tree
                JOIN pg_class p ON p.oid = tree.oid AND p.relkind = 'p'
                JOIN pg_inherits i ON i.inhparent = tree.oid AND NOT i.inhdetachpending)
            SELECT c.oid::bigint, n.nspname, c.relname, c.relkind, c.relfilenode::bigint,
                   a.attnum, a.attname, a.atttypid::bigint, a.atttypmod, a.attnotnull, a.attgenerated
            FROM tree JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            ORDER BY tree.level, c.oid, a.attnum""";

    /**
     * One relation.
     *
     * @param kind pg_class.relkind
     * @param fileNode another one means the rows were rewritten or truncated
     */
    record Relation(long oid, TableName name, char kind, long fileNode, List<Attribute> attributes) {}

    /** One column. */
    record Attribute(int number, String name, long typeOid, int typeModifier, boolean notNull, String generated) {}

    /** What this connection's transaction sees; empty when there is no such table. */
    static CatalogView read(Connection connection, long tableOid) throws SQLException {
        Map<Long, Relation> relations = new LinkedHashMap<>();
        try (PreparedStatement statement = connection.prepareStatement(SQL)) {
            statement.setLong(1, tableOid);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    Relation relation = relations.computeIfAbsent(rows.getLong(1), oid -> relation(oid, rows));
                    if (rows.getString("attname") != null) {
                        relation.attributes().add(attribute(rows));
                    }
                }
            }
        }
        return new CatalogView(relations);
    }

    private static Relation relation(long oid, ResultSet rows) {
        try {
            TableName name = new TableName(rows.getString(2), rows.getString(3));
            return new Relation(oid, name, rows.getString(4).charAt(0), rows.getLong(5), new ArrayList<>());
        } catch (SQLException e) {
            throw new IllegalStateException("a row that was fetched cannot be read", e);
        }
    }

    private static Attribute attribute(ResultSet row) throws SQLException {
        return new Attribute(
                row.getInt(6), row.getString(7), row.getLong(8), row.getInt(9), row.getBoolean(10), row.getString(11));
    }

    boolean isEmpty() {
        return relations.isEmpty();
    }

    Relation root() {
        return relations.values().iterator().next();
    }

    /** The relations that hold rows: the table itself, or the leaves of a partitioned one. */
    List<Relation> leaves() {
        return relations.values().stream().filter(r -> r.kind() != 'p').toList();
    }

    /** What is different in a later view, for people; null when nothing is. */
    String differenceTo(CatalogView later) {
        for (Relation mine : relations.values()) {
            Relation other = later.relations.get(mine.oid());
            if (other == null) {
                return mine.name() + " is no longer part of it";
            }
            if (!mine.name().equals(other.name()) || mine.kind() != other.kind()) {
                return mine.name() + " is now " + other.name();
            }
            if (!mine.attributes().equals(other.attributes())) {
                return "the columns of " + mine.name() + " changed";
            }
            if (mine.fileNode() != other.fileNode()) {
                return mine.name() + " was truncated or rewritten";
            }
        }
        for (Relation other : later.relations.values()) {
            if (!relations.containsKey(other.oid())) {
                return other.name() + " became part of it";
            }
        }
        return Objects.equals(this, later) ? null : "its catalogue entries changed";
    }
}
