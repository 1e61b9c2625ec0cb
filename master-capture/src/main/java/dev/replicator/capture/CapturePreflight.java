package dev.replicator.capture;

import dev.replicator.capture.postgres.Catalog;
import dev.replicator.capture.postgres.CatalogTable;
import dev.replicator.capture.postgres.MasterSettings;
import dev.replicator.capture.postgres.Publication;
import dev.replicator.capture.postgres.SlotState;
import dev.replicator.capture.postgres.SourceSessions;
import dev.replicator.capture.postgres.TableCatalog;
import dev.replicator.queue.TableName;
import dev.replicator.runtime.Finding;
import dev.replicator.runtime.MachineChecks;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** Everything that is missing before capture can work, found in one run that changes nothing. */
public final class CapturePreflight {
    private static final int ANSWER_SECONDS = 30;

    private final CaptureConfig config;
    private final List<Finding> findings = new ArrayList<>();

    private CapturePreflight(CaptureConfig config) {
        this.config = config;
    }

    /** Checks this machine and the master; the forwarder is not asked. */
    public static List<Finding> check(CaptureConfig config) {
        CapturePreflight run = new CapturePreflight(config);
        run.machine();
        run.master();
        return List.copyOf(run.findings);
    }

    private void machine() {
        findings.addAll(
                MachineChecks.directory("queue.directory", config.queue().directory(), config.spoolMaxBytes()));
        findings.addAll(MachineChecks.directory(
                "dumps.directory", config.dumps().directory(), config.dumps().maxBytes()));
    }

    private void master() {
        CaptureConfig.Source source = config.source();
        SourceSessions sessions = new SourceSessions(
                source.url(), source.user(), source.password().value());
        try (Connection sql = sessions.open("replicator preflight", ANSWER_SECONDS)) {
            int version = Catalog.serverVersion(sql);
            String defect = ServerRequirements.defect(version);
            if (!defect.isEmpty()) {
                findings.add(Finding.missing("server", defect, "Upgrade the master to a newer minor release."));
            }
            MasterSettings settings = MasterSettings.read(sql, source.slot());
            slot(sql);
            settings(settings);
            role(settings);
            tables(sql, version, settings);
        } catch (SQLException e) {
            findings.add(Finding.missing(
                    "source.url",
                    "cannot ask the master " + sessions.target() + ": " + e.getMessage() + " (SQLSTATE "
                            + e.getSQLState() + ")",
                    "Check that it runs, and url, user, password and pg_hba.conf."));
        }
    }

    private void slot(Connection sql) throws SQLException {
        String name = config.source().slot();
        Catalog.slot(sql, name)
                .map(SlotState::defect)
                .filter(defect -> !defect.isEmpty())
                .ifPresent(defect ->
                        findings.add(Finding.missing("replication slot " + name, defect, SlotOwnership.REMEDY)));
    }

    private void settings(MasterSettings settings) {
        if (!settings.walLevel().equals("logical")) {
            findings.add(Finding.missing(
                    "wal_level",
                    "is " + settings.walLevel() + ", must be logical",
                    "ALTER SYSTEM SET wal_level = 'logical'; then restart the master"));
        }
        if (!settings.slotExists() && settings.slotsUsed() >= settings.maxSlots()) {
            findings.add(Finding.missing(
                    "max_replication_slots",
                    settings.slotsUsed() + " of " + settings.maxSlots() + " slots are taken; capture needs one",
                    "ALTER SYSTEM SET max_replication_slots = " + (settings.slotsUsed() + 2)
                            + "; then restart the master"));
        }
        if (!settings.slotActive() && settings.sendersUsed() >= settings.maxSenders()) {
            findings.add(Finding.missing(
                    "max_wal_senders",
                    settings.sendersUsed() + " of " + settings.maxSenders() + " are taken; capture needs one",
                    "ALTER SYSTEM SET max_wal_senders = " + (settings.sendersUsed() + 2)
                            + "; then restart the master"));
        }
        if (settings.slotWalKeepMegabytes() < 0) {
            findings.add(Finding.missing(
                    "max_slot_wal_keep_size",
                    "is unlimited: while capture is away or its spool is full, WAL grows until the master's disk is full",
                    "ALTER SYSTEM SET max_slot_wal_keep_size = '50GB'; SELECT pg_reload_conf()"));
        }
    }

    private void role(MasterSettings settings) {
        String user = TableName.quote(config.source().user());
        if (!settings.mayReplicate()) {
            findings.add(Finding.missing(
                    "role " + config.source().user(), "lacks REPLICATION", "ALTER ROLE " + user + " REPLICATION"));
        }
        if (!settings.mayCreate() && !settings.publicationExists(config.source().publication())) {
            findings.add(Finding.missing(
                    "role " + config.source().user(),
                    "may not create the publication: it lacks CREATE on database " + settings.database(),
                    "GRANT CREATE ON DATABASE " + TableName.quote(settings.database()) + " TO " + user));
        }
    }

    private void tables(Connection sql, int version, MasterSettings settings) throws SQLException {
        long publication = new Publication(config.source().publication())
                .state(sql, version)
                .map(state -> {
                    if (!state.defect().isEmpty()) {
                        findings.add(Finding.missing(
                                "publication " + config.source().publication(), state.defect(), "Mend it as said."));
                    }
                    return state.oid();
                })
                .orElse(0L);
        List<TableName> present = new ArrayList<>();
        for (CatalogTable table : TableCatalog.read(sql, version, publication)) {
            if (config.tables().contains(table.name()) && !table.partition()) {
                present.add(table.name());
                table(settings, table);
            }
        }
        for (TableName name : config.tables().namedTables()) {
            if (!present.contains(name)) {
                findings.add(Finding.note(
                        name.toString(), "the master does not have it; it joins when it appears", "CREATE TABLE it"));
            }
        }
    }

    private void table(MasterSettings settings, CatalogTable table) {
        String subject = table.name().toString();
        if (!table.refusal().isEmpty()) {
            findings.add(Finding.missing(subject, "is not captured: " + reason(table), fix(table)));
        } else if (table.fullIdentity() && !config.allowFullIdentity()) {
            findings.add(Finding.missing(
                    subject,
                    "has REPLICA IDENTITY FULL, and full-identity: refuse is configured",
                    "ALTER TABLE " + table.name().quoted() + " ADD PRIMARY KEY (...)"));
        } else if (table.fullIdentity()) {
            findings.add(Finding.note(
                    subject,
                    "has REPLICA IDENTITY FULL: every update and delete carries the whole old row, and is slow on slaves",
                    "ALTER TABLE " + table.name().quoted() + " ADD PRIMARY KEY (...)"));
        }
        MasterSettings.Access access = settings.access(table.oid());
        String user = TableName.quote(config.source().user());
        if (!access.owner()) {
            findings.add(Finding.missing(
                    subject,
                    "only its owner " + access.ownerName() + " may publish it",
                    "GRANT " + TableName.quote(access.ownerName()) + " TO " + user));
        }
        if (access.unreadable() != null) {
            findings.add(Finding.missing(
                    subject,
                    "cannot be read for dumps: no SELECT, or no USAGE on the schema, of " + access.unreadable(),
                    "GRANT SELECT ON " + access.unreadable() + " TO " + user));
        }
        if (access.hidden() != null) {
            findings.add(Finding.missing(
                    subject,
                    "row security of " + access.hidden()
                            + " hides rows from capture's role, so a dump of it is refused",
                    "ALTER ROLE " + user + " BYPASSRLS"));
        }
    }

    /** A refusal is "reason: statement". */
    private static String reason(CatalogTable table) {
        int colon = table.refusal().indexOf(": ALTER");
        return colon < 0 ? table.refusal() : table.refusal().substring(0, colon);
    }

    private static String fix(CatalogTable table) {
        int colon = table.refusal().indexOf(": ALTER");
        return colon < 0 ? "Exclude it" : table.refusal().substring(colon + 2);
    }
}
