package dev.replicator.capture.postgres;

import dev.replicator.queue.TableName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Lists the tables a publication could hold, with what speaks against each (rules R09, R21). */
public final class TableCatalog {
    private static final int FIRST_CHECKING_GENERATED_FULL_IDENTITY = 180000;

    // usable: the server accepts the index as identity. generated: a column the stream does not carry is part of it.
    private static final String INDEX_OF =
            """
            LEFT JOIN LATERAL (
              SELECT i.indisvalid AND i.indisready AND i.indimmediate AS usable,
                     EXISTS (SELECT FROM pg_catalog.pg_attribute a
                              WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey) AND a.attgenerated <> '') AS generated
                FROM pg_catalog.pg_index i
               WHERE i.indrelid = c.oid
                 AND CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END
               LIMIT 1) x ON true
            """;

    private static final String TABLES =
            """
            SELECT c.oid::int8, n.nspname, c.relname, c.relkind::text, c.relpersistence::text, c.relreplident::text,
                   c.relispartition, coalesce(p.oid::int8, 0), c.relfilenode::int8,
                   coalesce(x.usable, false), coalesce(x.generated, false),
                   EXISTS (SELECT FROM pg_catalog.pg_attribute a
                            WHERE a.attrelid = c.oid AND a.attgenerated <> '' AND NOT a.attisdropped)
              FROM pg_catalog.pg_class c
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
              LEFT JOIN pg_catalog.pg_publication_rel p ON p.prrelid = c.oid AND p.prpubid = ?::int8::oid
            """
                    + INDEX_OF
                    + """
             WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
               AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'""";

    private static final String LEAVES =
            """
            WITH RECURSIVE tree(root, relid) AS (
              SELECT oid, oid FROM pg_catalog.pg_class WHERE relkind = 'p' AND NOT relispartition
              UNION ALL
              SELECT t.root, i.inhrelid FROM tree t
                JOIN pg_catalog.pg_inherits i ON i.inhparent = t.relid AND NOT i.inhdetachpending)
            SELECT t.root::int8, c.oid::int8, c.relkind::text, c.relpersistence::text, c.relreplident::text,
                   c.relfilenode::int8, coalesce(x.usable, false), coalesce(x.generated, false), c.relname,
                   c.xmin::text::int8
              FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.relid
            """
                    + INDEX_OF
                    + " WHERE c.relkind <> 'p' ORDER BY c.oid";

    private TableCatalog() {}

    /**
     * All ordinary and partitioned tables of the database.
     *
     * @param publicationOid whose membership is meant; 0 for none
     */
    public static List<CatalogTable> read(Connection sql, int serverVersion, long publicationOid) throws SQLException {
        Map<Integer, List<CatalogTable.Leaf>> leaves = leaves(sql);
        List<CatalogTable> tables = new ArrayList<>();
        try (PreparedStatement query = sql.prepareStatement(TABLES)) {
            query.setLong(1, publicationOid);
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    int oid = (int) row.getLong(1);
                    tables.add(table(row, serverVersion, leaves.getOrDefault(oid, List.of())));
                }
            }
        }
        return tables;
    }

    private static CatalogTable table(ResultSet row, int serverVersion, List<CatalogTable.Leaf> leaves)
            throws SQLException {
        TableName name = new TableName(row.getString(2), row.getString(3));
        boolean partitioned = "p".equals(row.getString(4));
        String identity = row.getString(6);
        String refusal = partitioned
                ? rootRefusal(name, identity, row.getBoolean(10), row.getBoolean(11), leaves)
                : refusal(
                        name,
                        row.getString(5),
                        identity,
                        row.getBoolean(10),
                        row.getBoolean(11),
                        row.getBoolean(12) && serverVersion >= FIRST_CHECKING_GENERATED_FULL_IDENTITY);
        return new CatalogTable(
                (int) row.getLong(1),
                name,
                partitioned,
                row.getBoolean(7),
                row.getLong(8),
                row.getLong(9),
                refusal,
                "f".equals(identity),
                leaves);
    }

    private static String rootRefusal(
            TableName name, String identity, boolean usable, boolean generated, List<CatalogTable.Leaf> leaves) {
        if (!"d".equals(identity) || !usable) {
            return "a partitioned table needs a primary key and the default replica identity, because partitions made"
                    + " later do not inherit any other: ALTER TABLE " + name.quoted()
                    + (usable ? " REPLICA IDENTITY DEFAULT" : " ADD PRIMARY KEY (...)");
        }
        if (generated) {
            return generatedKey(name);
        }
        return leaves.stream()
                .map(CatalogTable.Leaf::refusal)
                .filter(text -> !text.isEmpty())
                .findFirst()
                .orElse("");
    }

    private static String refusal(
            TableName name,
            String persistence,
            String identity,
            boolean usable,
            boolean generated,
            boolean generatedInFullRow) {
        if (!"p".equals(persistence)) {
            return "changes of an unlogged table are not in the log: ALTER TABLE " + name.quoted() + " SET LOGGED";
        }
        if ("f".equals(identity)) {
            return generatedInFullRow ? generatedKey(name) : "";
        }
        if ("n".equals(identity) || !usable) {
            return "no usable replica identity, so the master would refuse its UPDATE and DELETE once it is published:"
                    + " ALTER TABLE " + name.quoted() + " ADD PRIMARY KEY (...), or REPLICA IDENTITY USING INDEX (a"
                    + " unique, not deferrable index on NOT NULL columns), or REPLICA IDENTITY FULL";
        }
        return generated ? generatedKey(name) : "";
    }

    private static String generatedKey(TableName name) {
        return "a generated column, which the stream does not carry, is part of its replica identity: ALTER TABLE "
                + name.quoted() + " REPLICA IDENTITY USING INDEX (one without generated columns)";
    }

    private static Map<Integer, List<CatalogTable.Leaf>> leaves(Connection sql) throws SQLException {
        Map<Integer, List<CatalogTable.Leaf>> leaves = new HashMap<>();
        try (PreparedStatement query = sql.prepareStatement(LEAVES);
                ResultSet row = query.executeQuery()) {
            while (row.next()) {
                CatalogTable.Leaf leaf = new CatalogTable.Leaf(
                        (int) row.getLong(2), row.getLong(6), (int) row.getLong(10), leafRefusal(row));
                leaves.computeIfAbsent((int) row.getLong(1), root -> new ArrayList<>())
                        .add(leaf);
            }
        }
        return leaves;
    }

    private static String leafRefusal(ResultSet row) throws SQLException {
        String partition = "partition " + row.getString(9);
        if (!"r".equals(row.getString(3)) || !"p".equals(row.getString(4))) {
            return partition + " is a foreign or unlogged table: its changes are not in the log; detach it, or exclude"
                    + " the partitioned table";
        }
        if (!"d".equals(row.getString(5)) || !row.getBoolean(7)) {
            return partition + " has another replica identity than its root's primary key: ALTER TABLE "
                    + TableName.quote(row.getString(9)) + " REPLICA IDENTITY DEFAULT";
        }
        return row.getBoolean(8) ? partition + " has a generated column in its replica identity" : "";
    }
}
