package dev.replicator.runtime;

@SuppressForbidden("the one place that ends the process")
final class ProcessExit implements Exit {
    @Override
    public void exit(int code) {
        System.exit(code);
    }

    @Override
    public void halt(int code) {
        Runtime.getRuntime().halt(code);
    }
}
