package interop;

import static interop.Steps.equal;
import static interop.Steps.refused;

import com.unboundid.scim2.client.ScimService;
import com.unboundid.scim2.common.BaseScimResource;
import com.unboundid.scim2.common.exceptions.ScimException;
import com.unboundid.scim2.common.exceptions.UnauthorizedException;
import com.unboundid.scim2.common.types.ResourceTypeResource;
import com.unboundid.scim2.common.types.SchemaResource;
import com.unboundid.scim2.common.types.ServiceProviderConfigResource;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** What the server says of itself, read into the SDK's types. */
record Discovery(Steps steps, ScimService scim, ScimService stranger) {
  void run() {
    steps.step("discovery: without credentials, 401", () -> refused(UnauthorizedException.class, stranger::getResourceTypes));
    steps.step("discovery: service provider config", () -> {
      ServiceProviderConfigResource config = serviceProviderConfig();
      equal(config.getPatch().isSupported(), true);
      equal(config.getFilter().isSupported(), true);
      equal(config.getSort().isSupported(), true);
      equal(config.getAuthenticationSchemes().isEmpty(), false);
    });
    steps.step("discovery: every resource type, by itself and its schemas", () -> {
      Set<String> names = new TreeSet<>();
      for (ResourceTypeResource type : scim.getResourceTypes()) {
        names.add(type.getName());
        equal(scim.getResourceType(type.getId()), type);
        scim.getSchema(type.getSchema().toString());
        for (ResourceTypeResource.SchemaExtension extension : type.getSchemaExtensions()) {
          scim.getSchema(extension.getSchema().toString());
        }
      }
      equal(names.containsAll(List.of("User", "Group", "Issue")), true);
    });
    steps.step("discovery: every schema, by itself", () -> {
      for (SchemaResource schema : scim.getSchemas()) {
        equal(scim.getSchema(schema.getId()), schema);
      }
    });
  }

  /**
   * Reads the configuration with the attributes that the SDK does not know passed over: it is older than RFC 9865,
   * whose pagination is announced if SCIM_ATLASSIAN_ANNOUNCE_PAGINATION is true.
   */
  private ServiceProviderConfigResource serviceProviderConfig() throws ScimException {
    BaseScimResource.IGNORE_UNKNOWN_FIELDS = true;
    try {
      return scim.getServiceProviderConfig();
    } finally {
      BaseScimResource.IGNORE_UNKNOWN_FIELDS = false;
    }
  }
}
