package dev.replicator.launcher.local;

import java.util.List;

/**
 * One slave of a {@link LocalCluster}.
 *
 * @param name slave name
 * @param url JDBC URL of its database
 * @param daemon its daemon
 */
public record LocalSlave(String name, String url, DaemonProcess daemon) {

    /** Text of its file in slaves.d on the forwarder. */
    static String grantFile(String name, List<String> tables, List<String> exclude, String tokenFile) {
        return "slave: " + name + "\ntoken: \"${file:" + tokenFile + "}\"\ntables: " + LocalCluster.yamlList(tables)
                + "\n" + (exclude.isEmpty() ? "" : "exclude: " + LocalCluster.yamlList(exclude) + "\n");
    }
}
