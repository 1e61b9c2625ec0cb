package dev.replicator.simulation;

import dev.replicator.queue.ChangeKind;
import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.ValueEncoding;
import dev.replicator.queue.format.TableSchemas;
import java.util.ArrayList;
import java.util.List;

/**
 * A table of the master and everything it ever held, commit by commit. A <em>life</em> is what somebody sees who follows the
 * stream from some moment on: a rewrite or a joining begins another one, because the stream does not show what it did.
 */
public final class MasterTable {
    private static final TableSchema[] SCHEMAS = new TableSchema[3];

    final TableName name;
    final int oid;
    final boolean keyed;
    long fileNode = 1;
    long attributes = 1;
    /** Number of its row in the publication's list; 0 when it is not published. */
    long publicationRow;

    private final List<Life> lives = new ArrayList<>();
    private TableRows rows;

    /** Rows behind each commit from one on; null where the stream's changes no longer fit. */
    private static final class Life {
        private final int from;
        private final List<TableRows> at = new ArrayList<>();

        Life(int from) {
            this.from = from;
        }
    }

    MasterTable(TableName name, int oid, boolean keyed) {
        this.name = name;
        this.oid = oid;
        this.keyed = keyed;
        this.rows = TableRows.empty(keyed);
        lives.add(new Life(0));
    }

    /** As the stream describes it. */
    TableSchema schema() {
        int slot = oid % SCHEMAS.length;
        if (SCHEMAS[slot] == null) {
            List<ColumnSchema> columns = List.of(
                    new ColumnSchema("id", "text", 25, -1, true, ValueEncoding.TEXT),
                    new ColumnSchema("v", "text", 25, -1, !keyed, ValueEncoding.TEXT),
                    new ColumnSchema("big", "text", 25, -1, !keyed, ValueEncoding.TEXT));
            SCHEMAS[slot] = TableSchemas.create(oid, name, 1, keyed ? 'd' : 'f', columns);
        }
        return SCHEMAS[slot];
    }

    /** Rows behind the last commit. */
    public TableRows rows() {
        return rows;
    }

    boolean isPublished() {
        return publicationRow != 0;
    }

    int lives() {
        return lives.size();
    }

    /** What one who followed a life sees behind {@code commits} commits; null when nothing can be seen any more. */
    TableRows at(int life, int commits) {
        Life followed = lives.get(life);
        int index = commits - followed.from;
        if (index < 0 || index >= followed.at.size()) {
            return null;
        }
        return followed.at.get(index);
    }

    /** The state before the first commit. */
    void begin() {
        lives.get(0).at.add(rows);
    }

    /** A commit is appended to the log. */
    void commit(WalEntry entry, int commits) {
        List<WalEntry.Change> mine = new ArrayList<>();
        for (WalEntry.Change change : entry.changes()) {
            if (change.table().equals(name.table())) {
                mine.add(change);
            }
        }
        int current = lives.size() - 1;
        for (int i = 0; i <= current; i++) {
            List<TableRows> at = lives.get(i).at;
            TableRows before = at.get(at.size() - 1);
            at.add(i == current ? follow(before, mine, false) : follow(before, mine, true));
        }
        rows = lives.get(current).at.get(lives.get(current).at.size() - 1);
        WalEntry.Definition definition = entry.definition();
        if (definition != null && definition.table().equals(name.table())) {
            define(definition, commits);
        }
    }

    private void define(WalEntry.Definition definition, int commits) {
        switch (definition.kind()) {
            case PUBLISH -> {
                publicationRow = definition.number();
                newLife(commits);
            }
            case UNPUBLISH -> {
                publicationRow = 0;
                newLife(commits);
            }
            case VACUUM_FULL -> fileNode = definition.number();
            case REWRITE -> {
                fileNode = definition.number();
                attributes = definition.number();
                TableRows rewritten = rows;
                for (String id : rows.rows().keySet()) {
                    rewritten = rewritten.update(id, "r" + definition.number() + rows.rest(id));
                }
                rows = rewritten;
                newLife(commits);
            }
        }
    }

    private void newLife(int commits) {
        Life life = new Life(commits);
        life.at.add(rows);
        lives.add(life);
    }

    private static TableRows follow(TableRows before, List<WalEntry.Change> changes, boolean publishedOnly) {
        TableRows rows = before;
        for (WalEntry.Change change : changes) {
            if (rows == null) {
                return null;
            }
            if (!publishedOnly || change.published()) {
                rows = apply(rows, change);
            }
        }
        return rows;
    }

    /** Rows behind a change; null when it does not fit. */
    static TableRows apply(TableRows rows, WalEntry.Change change) {
        if (change.kind() == ChangeKind.TRUNCATE) {
            return TableRows.empty(rows.keyed());
        }
        TableRows next = rows;
        if (change.kind() == ChangeKind.UPDATE && rows.keyed() && change.oldId().equals(change.id())) {
            String kept = change.bigUnchanged() && rows.rest(change.id()) != null
                    ? first(change.rest()) + "~" + last(rows.rest(change.id()))
                    : change.rest();
            return rows.update(change.id(), kept);
        }
        String carried = change.rest();
        if (change.oldId() != null) {
            if (change.bigUnchanged() && rows.keyed() && rows.rest(change.oldId()) != null) {
                carried = first(change.rest()) + "~" + last(rows.rest(change.oldId()));
            }
            next = next.delete(change.oldId(), change.oldRest());
        }
        return change.id() == null || next == null ? next : next.insert(change.id(), carried);
    }

    /** Column {@code v} of the other columns' text. */
    static String first(String rest) {
        return rest.substring(0, rest.indexOf('~'));
    }

    /** Column {@code big} of the other columns' text. */
    static String last(String rest) {
        return rest.substring(rest.indexOf('~') + 1);
    }
}
