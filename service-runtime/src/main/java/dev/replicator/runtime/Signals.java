package dev.replicator.runtime;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;

/**
 * Operating-system signals. {@code sun.misc.Signal} is the only way to them that Java has; it is reached by reflection because
 * the compiler's warning about it cannot be turned off.
 */
interface Signals {
    /** Runs the handler on a thread of its own each time the signal arrives. Name without SIG, such as {@code TERM}. */
    void on(String name, Runnable handler);

    static Signals process() {
        return (name, handler) -> {
            try {
                Class<?> signal = Class.forName("sun.misc.Signal");
                Class<?> signalHandler = Class.forName("sun.misc.SignalHandler");
                InvocationHandler forward = (proxy, method, arguments) -> switch (method.getName()) {
                    case "handle" -> {
                        handler.run();
                        yield null;
                    }
                    case "hashCode" -> System.identityHashCode(proxy);
                    case "equals" -> proxy == arguments[0];
                    default -> "handler of " + name;
                };
                Object proxy =
                        Proxy.newProxyInstance(signalHandler.getClassLoader(), new Class<?>[] {signalHandler}, forward);
                signal.getMethod("handle", signal, signalHandler)
                        .invoke(null, signal.getConstructor(String.class).newInstance(name), proxy);
            } catch (ReflectiveOperationException e) {
                throw new ReplicatorException(
                        ErrorCode.INTERNAL,
                        "Cannot handle the signal " + name + ": this Java runtime has no sun.misc.Signal",
                        "Run on a JDK that has the module jdk.unsupported.",
                        e);
            }
        };
    }
}
