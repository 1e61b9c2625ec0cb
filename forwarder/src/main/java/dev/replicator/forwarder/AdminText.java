package dev.replicator.forwarder;

import com.fasterxml.jackson.databind.JsonNode;
import dev.replicator.runtime.cli.Human;
import dev.replicator.runtime.cli.ProgressBar;
import dev.replicator.runtime.cli.TextTable;
import java.util.ArrayList;
import java.util.List;

/** Shows the admin documents to people. */
final class AdminText {
    private AdminText() {}

    static String status(String json) {
        JsonNode node = read(json);
        JsonNode queue = node.path("queue");
        StringBuilder out = new StringBuilder();
        out.append("cluster ").append(node.path("cluster").asText());
        out.append(", epoch ").append(node.path("epoch").asInt()).append("\n\n");
        master(out, node.path("master"));
        out.append("queue   ")
                .append(Human.count(queue.path("firstSeq").asLong()))
                .append(" to ")
                .append(Human.count(queue.path("lastSeq").asLong()));
        out.append(", ").append(Human.bytes(queue.path("bytes").asLong()));
        out.append(", at ").append(queue.path("position").asText()).append('\n');
        line(out, "        error: ", text(queue, "error"));
        queue.path("heldBy").forEach(holder -> out.append("        held by ")
                .append(holderText(holder))
                .append(" at ")
                .append(Human.count(holder.path("seq").asLong()))
                .append('\n'));
        out.append("\nslaves\n").append(indent(slaveTable(node.path("slaves"))));
        TextTable tables = new TextTable("slave", "table", "state", ">applied", "lane", "blocked by", "error");
        node.path("slaves").forEach(slave -> slave.path("tables")
                .forEach(table -> tables.row(
                        slave.path("name").asText(),
                        table.path("table").asText(),
                        table.path("state").asText() + progressText(table),
                        table.has("appliedSeq")
                                ? Human.count(table.path("appliedSeq").asLong())
                                : null,
                        text(table, "lane"),
                        text(table, "blockedBy"),
                        text(table, "error"))));
        out.append("\ntables\n").append(indent(tables));
        out.append("\ndumps\n").append(indent(dumpTable(node.path("dumps"))));
        return out.toString();
    }

    private static void master(StringBuilder out, JsonNode master) {
        out.append("master  ").append(master.path("state").asText());
        out.append(", at ").append(master.path("position").asText());
        out.append(", lag ").append(Human.seconds(master.path("lagSeconds").asDouble()));
        out.append(", WAL held ").append(Human.bytes(master.path("walHeldBytes").asLong()));
        long safe = master.path("safeWalBytes").asLong();
        out.append(safe > 0 ? " (" + Human.bytes(safe) + " more until the slot is lost)" : "");
        out.append(", spool ").append(Human.bytes(master.path("spoolBytes").asLong()));
        out.append('\n');
        line(out, "        error: ", text(master, "error"));
        master.path("waitingFor")
                .forEach(who ->
                        out.append("        waits for ").append(who.asText()).append('\n'));
    }

    private static String holderText(JsonNode holder) {
        if (text(holder, "slave") != null) {
            if (text(holder, "lane") == null) {
                return "slave " + holder.path("slave").asText() + ", which has not connected since the index was lost";
            }
            String tables = text(holder, "table");
            return "slave " + holder.path("slave").asText() + ", lane "
                    + holder.path("lane").asText() + (tables == null ? "" : " (" + tables + ")");
        }
        return text(holder, "dump") == null ? "what the master has not shown yet" : "dump " + text(holder, "dump");
    }

    static String tables(String json) {
        TextTable table = new TextTable("table", ">incarnation", "slaves", "newest dump", "waits for", "error");
        read(json)
                .path("tables")
                .forEach(node -> table.row(
                        node.path("table").asText(),
                        node.path("incarnation").asInt() == 0
                                ? null
                                : node.path("incarnation").asInt(),
                        String.join(", ", Json.strings(node.path("slaves"))),
                        text(node.path("newestDump"), "id"),
                        text(node, "waitingFor"),
                        text(node, "error")));
        return table.isEmpty() ? "No table is replicated yet.\n" : table.toString();
    }

    static String dumps(String json) {
        TextTable table = dumpTable(read(json).path("dumps"));
        return table.isEmpty() ? "There are no dumps.\n" : table.toString();
    }

    static String dumpIds(String json) {
        StringBuilder out = new StringBuilder();
        read(json).path("ids").forEach(id -> out.append(id.asText()).append('\n'));
        return out.toString();
    }

    static String slaves(String json) {
        return slaveTable(read(json).path("slaves")).toString();
    }

    static String slave(String json) {
        JsonNode node = read(json);
        StringBuilder out = new StringBuilder(slaveTable(List.of(node)).toString());
        out.append("\nfile      ").append(text(node, "file"));
        out.append("\npatterns  ").append(String.join(", ", Json.strings(node.path("patterns"))));
        List<String> exclude = Json.strings(node.path("exclude"));
        out.append(exclude.isEmpty() ? "" : "\nexclude   " + String.join(", ", exclude));
        out.append("\nresolved  ").append(String.join(", ", Json.strings(node.path("resolved"))));
        out.append("\n\n");
        TextTable tables = new TextTable("table", "state", ">applied", "lane", "dump", "blocked by", "error");
        node.path("tables")
                .forEach(table -> tables.row(
                        table.path("table").asText(),
                        table.path("state").asText() + progressText(table),
                        table.has("appliedSeq")
                                ? Human.count(table.path("appliedSeq").asLong())
                                : null,
                        text(table, "lane"),
                        text(table, "dump"),
                        text(table, "blockedBy"),
                        text(table, "error")));
        out.append(tables).append('\n');
        TextTable lanes = new TextTable("lane", "state", ">seq", "tables", "error");
        node.path("lanes")
                .forEach(lane -> lanes.row(
                        lane.path("lane").asText(),
                        lane.path("state").asText(),
                        Human.count(lane.path("seq").asLong()),
                        String.join(", ", Json.strings(lane.path("tables"))),
                        text(lane, "error")));
        return out.append(lanes).toString();
    }

    static String conflicts(String json) {
        TextTable table = new TextTable(">seq", "table", "kind", "resolution", "at", "detail");
        read(json)
                .path("conflicts")
                .forEach(node -> table.row(
                        node.path("seq").asLong(),
                        node.path("table").asText(),
                        node.path("kind").asText(),
                        node.path("resolution").asText(),
                        node.path("at").asText(),
                        node.path("detail").asText()));
        return table.isEmpty() ? "No conflicts.\n" : table.toString();
    }

    static String reloaded(String json) {
        return "Read again: " + String.join(", ", Json.strings(read(json).path("slaves"))) + "\n";
    }

    static String waited(String json) {
        JsonNode node = read(json);
        return node.path("slave").asText() + " has applied "
                + Human.count(node.path("appliedSeq").asLong()) + "\n";
    }

    static String outcome(String json) {
        JsonNode node = read(json);
        String what = text(node, "slave") == null ? text(node, "id") : text(node, "slave");
        String action = text(node, "action");
        String reason = text(node, "reason");
        return what + ": " + (action == null ? "" : action + " ")
                + node.path("state").asText() + (reason == null ? "" : " (" + reason + ")") + "\n";
    }

    /** One step of a long command. */
    static void progress(ProgressBar bar, String json) {
        JsonNode node = read(json);
        if (node.has("targetSeq")) {
            bar.update(
                    node.path("appliedSeq").asLong(),
                    node.path("targetSeq").asLong(),
                    "seq " + Human.count(node.path("appliedSeq").asLong()));
            return;
        }
        long bytes = 0;
        long complete = 0;
        long rows = 0;
        for (JsonNode dump : node.path("dumps")) {
            bytes += dump.path("bytes").asLong();
            rows += dump.path("rows").asLong();
            complete += dump.path("state").asText().equals("complete") ? 1 : 0;
        }
        bar.update(complete, node.path("dumps").size(), Human.count(rows) + " rows, " + Human.bytes(bytes));
    }

    private static TextTable slaveTable(Iterable<JsonNode> slaves) {
        TextTable table = new TextTable(
                "slave", "connected", "state", ">applied", ">lag", ">behind", ">sent", ">dumps sent", "error");
        slaves.forEach(slave -> table.row(
                slave.path("name").asText(),
                slave.path("connected").asBoolean() ? "yes" : "no",
                slave.path("state").asText(),
                Human.count(slave.path("appliedSeq").asLong()),
                Human.seconds(slave.path("lagSeconds").asDouble()),
                Human.count(slave.path("lagTransactions").asLong()),
                Human.bytes(slave.path("bytesSent").asLong()),
                Human.bytes(slave.path("dumpBytesSent").asLong()),
                text(slave, "error")));
        return table;
    }

    private static TextTable dumpTable(Iterable<JsonNode> dumps) {
        TextTable table =
                new TextTable("dump", "table", "state", ">rows", ">size", ">base", "created", ">served to", "note");
        dumps.forEach(dump -> table.row(
                dump.path("id").asText(),
                dump.path("table").asText(),
                dump.path("state").asText(),
                Human.count(dump.path("rows").asLong()),
                Human.bytes(dump.path("bytes").asLong()),
                dump.path("baseSeq").isNull()
                        ? null
                        : Human.count(dump.path("baseSeq").asLong()),
                dump.path("createdAt").asText(),
                dump.path("servedTo").asInt(),
                note(dump)));
        return table;
    }

    private static String note(JsonNode dump) {
        List<String> parts = new ArrayList<>();
        for (String key : List.of("error", "waitingFor")) {
            if (text(dump, key) != null) {
                parts.add(text(dump, key));
            }
        }
        return parts.isEmpty() ? null : String.join("; ", parts);
    }

    private static String progressText(JsonNode table) {
        boolean restoring = table.path("state").asText().equals("restoring");
        return restoring ? " " + Math.round(table.path("progress").asDouble() * 100) + "%" : "";
    }

    private static String indent(TextTable table) {
        return table.isEmpty() ? "  none\n" : table.toString().indent(2);
    }

    private static void line(StringBuilder out, String label, String text) {
        if (text != null) {
            out.append(label).append(text).append('\n');
        }
    }

    private static String text(JsonNode node, String key) {
        return node.path(key).isNull() || node.path(key).isMissingNode()
                ? null
                : node.path(key).asText();
    }

    private static JsonNode read(String json) {
        return Json.read(json, "the forwarder's answer");
    }
}
