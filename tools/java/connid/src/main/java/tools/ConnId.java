package tools;

import static tools.Session.GROUP;
import static tools.Session.USER;
import static tools.Session.change;
import static tools.Session.step;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import net.tirasa.connid.bundles.scim.common.SCIMConnectorConfiguration;
import net.tirasa.connid.bundles.scim.v2.SCIMv2Connector;
import org.identityconnectors.framework.api.APIConfiguration;
import org.identityconnectors.framework.api.ConnectorFacade;
import org.identityconnectors.framework.api.ConnectorFacadeFactory;
import org.identityconnectors.framework.common.objects.Attribute;
import org.identityconnectors.framework.common.objects.AttributeBuilder;
import org.identityconnectors.framework.common.objects.AttributeDelta;
import org.identityconnectors.framework.common.objects.AttributeDeltaBuilder;
import org.identityconnectors.framework.common.objects.ConnectorObject;
import org.identityconnectors.framework.common.objects.Name;
import org.identityconnectors.framework.common.objects.ObjectClass;
import org.identityconnectors.framework.common.objects.OperationOptions;
import org.identityconnectors.framework.common.objects.OperationOptionsBuilder;
import org.identityconnectors.framework.common.objects.SearchResult;
import org.identityconnectors.framework.common.objects.Uid;
import org.identityconnectors.framework.common.objects.filter.Filter;
import org.identityconnectors.framework.common.objects.filter.FilterBuilder;
import org.identityconnectors.test.common.TestHelpers;

/** The SCIM bundle of ConnId, behind the framework's facade, as Apache Syncope and midPoint call it. */
public final class ConnId {
  private static final OperationOptions ALL = new OperationOptionsBuilder()
      .setAttributesToGet("userName", "displayName", "name.givenName", "name.familyName", "active", "emails.work.value").build();
  private static ConnectorFacade connector;
  private static Uid user;
  private static Uid group;

  public static void main(String[] arguments) {
    SCIMConnectorConfiguration settings = new SCIMConnectorConfiguration();
    settings.setBaseAddress(Session.URL);
    settings.setBearerToken(Session.TOKEN);
    settings.setUpdateUserMethod("PUT");
    settings.setUpdateGroupMethod("PATCH");
    APIConfiguration api = TestHelpers.createTestConfiguration(SCIMv2Connector.class, settings);
    api.getResultsHandlerConfiguration().setEnableFilteredResultsHandler(false); // it asks for pages only without
    connector = ConnectorFacadeFactory.getInstance().newInstance(api);
    change("create", () -> {
      connector.test();
      user = connector.create(ObjectClass.ACCOUNT, ann("Ann Tool", true), null);
    });
    step("read", () -> connector.getObject(ObjectClass.ACCOUNT, user, ALL).getName().getNameValue());
    step("list", () -> search(null).size());
    step("filter", () -> search(FilterBuilder.equalTo(text("userName", USER))).stream().map(o -> o.getUid().getUidValue()).toList());
    change("change", () -> connector.update(ObjectClass.ACCOUNT, user, ann("Ann Changed", true), null));
    change("disable", () -> connector.update(ObjectClass.ACCOUNT, user, ann("Ann Changed", false), null));
    change("enable", () -> connector.update(ObjectClass.ACCOUNT, user, ann("Ann Changed", true), null));
    change("group", () -> group = connector.create(ObjectClass.GROUP, Set.of(new Name(GROUP), text("displayName", GROUP)), null));
    change("join", () -> member(AttributeDeltaBuilder.build("members", List.of(user.getUidValue()), List.of())));
    change("leave", () -> member(AttributeDeltaBuilder.build("members", List.of(), List.of(user.getUidValue()))));
    change("ungroup", () -> connector.delete(ObjectClass.GROUP, group, null));
    change("delete", () -> connector.delete(ObjectClass.ACCOUNT, user, null));
    Session.end();
  }

  private static Set<Attribute> ann(String displayName, boolean enabled) {
    return Set.of(new Name(USER), text("userName", USER), text("displayName", displayName), text("name.givenName", "Ann"), text("name.familyName", "Tool"),
        text("emails.work.value", USER), AttributeBuilder.build("emails.work.primary", true), AttributeBuilder.buildEnabled(enabled));
  }

  private static Attribute text(String name, String value) {
    return AttributeBuilder.build(name, value);
  }

  private static void member(AttributeDelta delta) {
    connector.updateDelta(ObjectClass.GROUP, group, Set.of(delta), null);
  }

  private static List<ConnectorObject> search(Filter filter) {
    List<ConnectorObject> found = new ArrayList<>();
    OperationOptionsBuilder options = new OperationOptionsBuilder(ALL).setPageSize(50);
    String cookie;
    do {
      SearchResult result = connector.search(ObjectClass.ACCOUNT, filter, found::add, options.build());
      cookie = result == null ? null : result.getPagedResultsCookie();
      if (cookie != null) {
        options.setPagedResultsCookie(cookie);
      }
    } while (cookie != null);
    return found;
  }
}
