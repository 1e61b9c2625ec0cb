package dev.replicator.slave.postgres;

import dev.replicator.queue.TableName;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Finds what keeps a target table from being applied to, with the statement that mends it (rule R19). Used by {@code
 * preflight}, and at run time to park a table before damage is done.
 */
public final class TargetPreflight {
    private TargetPreflight() {}

    /**
     * One finding.
     *
     * @param table the table, null when the session as a whole is meant
     * @param blocking true when the table must not be applied to; otherwise it is slow or worth knowing
     * @param problem what is wrong
     * @param fix statement or step that mends it
     */
    public record Finding(TableName table, boolean blocking, String problem, String fix) {}

    /**
     * Findings of one table.
     *
     * @param target the table
     * @param identityColumns columns by which the stream names rows, empty when not known or none
     * @param replicaRole {@link TargetSession#isReplica}
     * @param user the slave's role, named in the statements
     * @param serverMajor major version of the target server
     */
    public static List<Finding> check(
            TargetTable target, List<String> identityColumns, boolean replicaRole, String user, int serverMajor) {
        List<Finding> findings = new ArrayList<>();
        TableName name = target.name();
        String role = TableName.quote(user);
        if (!target.missingRights().isEmpty()) {
            String rights = String.join(", ", target.missingRights());
            findings.add(new Finding(
                    name,
                    !target.missingRights().equals(List.of("TRUNCATE")),
                    "The role lacks " + rights + " on " + name,
                    "GRANT " + rights + " ON " + name.quoted() + " TO " + role + ";"));
        }
        if (target.rowSecurity()) {
            findings.add(new Finding(
                    name,
                    true,
                    "Row security of " + name + " applies to the role, so rows would be hidden or refused",
                    "ALTER ROLE " + role + " BYPASSRLS;"));
        }
        String replicaFix = serverMajor >= 15
                ? "GRANT SET ON PARAMETER session_replication_role TO " + role + ";"
                : "Use a superuser role, or drop or disable them on the slave.";
        target.originTriggers().stream()
                .filter(trigger -> !replicaRole)
                .forEach(trigger -> findings.add(new Finding(
                        name,
                        true,
                        "The role may not set session_replication_role, so " + trigger + " of " + name
                                + " would act a second time",
                        replicaFix)));
        target.referencedBy().stream()
                .filter(key -> key.acts() && key.fires(replicaRole))
                .forEach(key -> findings.add(new Finding(
                        name,
                        true,
                        String.format(
                                Locale.ROOT,
                                "Foreign key %s of %s would change rows by itself when %s is changed",
                                key.name(),
                                key.child(),
                                name),
                        replicaRole ? "ALTER TABLE " + key.child().quoted() + " ENABLE TRIGGER ALL;" : replicaFix)));
        if (!identityColumns.isEmpty() && identityColumns.stream().noneMatch(target.indexedColumns()::contains)) {
            String list = String.join(
                    ", ", identityColumns.stream().map(TableName::quote).toList());
            findings.add(new Finding(
                    name,
                    false,
                    "No index of " + name + " begins with one of the columns by which the master names rows",
                    "CREATE INDEX CONCURRENTLY ON " + name.quoted() + " (" + list + ");"));
        }
        return findings;
    }

    /**
     * Refuses a table that must not be applied to in this session.
     *
     * @throws TableException with the first blocking finding and the statement that mends it
     */
    public static void require(Connection connection, TargetTable target) throws SQLException, TableException {
        DatabaseMetaData server = connection.getMetaData();
        List<Finding> findings = check(
                target,
                List.of(),
                TargetSession.isReplica(connection),
                server.getUserName(),
                server.getDatabaseMajorVersion());
        for (Finding finding : findings) {
            if (finding.blocking()) {
                throw new TableException(target.name(), finding.problem(), finding.fix() + " Then resume the table.");
            }
        }
    }

    /**
     * Foreign keys whose order no replay can keep where they are checked at once: cycles go row by row, and a statement of
     * the master that deletes or inserts several rows of a table that references itself cannot be replayed row by row.
     */
    public static List<Finding> cycles(List<TargetTable> tables, boolean replicaRole) {
        List<Finding> findings = new ArrayList<>();
        for (TargetTable table : tables) {
            for (TargetForeignKey key : table.references()) {
                if (key.parent().equals(table.name()) && key.fires(replicaRole) && !key.deferrable()) {
                    findings.add(new Finding(
                            table.name(),
                            false,
                            "Table " + table.name() + " references itself by " + key.name()
                                    + ", which is checked at once: a careful replay may find it violated half way",
                            TargetForeignKey.defer(key.child(), key.name())));
                }
            }
        }
        Set<TableName> cyclic = ForeignKeyOrder.of(tables, replicaRole).cyclic();
        for (TargetTable table : tables) {
            table.references().stream()
                    .filter(key -> cyclic.contains(table.name()) && cyclic.contains(key.parent()) && !key.deferrable())
                    .forEach(key -> findings.add(new Finding(
                            table.name(),
                            false,
                            "Table " + table.name() + " is in a cycle of foreign keys that are checked at once ("
                                    + key.name() + "): its batches go row by row",
                            TargetForeignKey.defer(key.child(), key.name()))));
        }
        return findings;
    }
}
